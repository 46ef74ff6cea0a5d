"""What identity is to the gate: credentials in, an actor out."""

from dataclasses import dataclass
from typing import Protocol

from proxy.exchange import Actor, Headers


@dataclass(frozen=True, slots=True)
class Identified:
    """An actor, and the header names (lower case) that carried credentials and never reach the provider."""

    actor: Actor
    consumed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Credentials that were given and are wrong: never treated as anonymous. `message` says what to do."""

    message: str


class Identity(Protocol):
    """Tells who is asking."""

    async def of_connect(self, peer: str, proxy_authorization: str) -> Identified | Rejected:
        """Return the actor of a CONNECT or of a plain proxy request; no credentials give the anonymous actor."""

    async def of_request(self, peer: str, headers: Headers, known: Actor) -> Identified | Rejected:
        """Return the actor of a request: a gateway key or a trusted proxy's header, else `known` of the connection."""
