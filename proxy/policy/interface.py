"""What a policy engine is: facts in, a decision out; the three engines answer alike."""

from collections.abc import Mapping
from typing import Protocol

from detectors.errors import Error
from proxy.exchange import Decision

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


class PolicyError(Error):
    """The engine gave no decision that can be used: the caller blocks."""


class Engine(Protocol):
    """Decides. Every failure is a PolicyError: no result, a malformed one, an unknown obligation, a timeout."""

    @property
    def revision(self) -> str:
        """Return the digest of the policies and data in force."""

    async def start(self) -> None:
        """Load the policies; raise Error with what to do where they do not hold."""

    async def decide(self, facts: Mapping[str, Json]) -> Decision:
        """Return the decision for one `lockgate.input/v1` document; raise PolicyError where there is none."""

    async def close(self) -> None:
        """Release processes, sockets and memory."""
