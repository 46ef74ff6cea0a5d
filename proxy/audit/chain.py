"""The chain that holds events together: each line carries a keyed digest of itself and of the line before it.

`chain.hash` is HMAC-SHA256 over the line's own bytes with an empty hash in them; `chain.prev` is the hash before it.
The key stays in `state_dir`, so whoever can write the log but not read the key cannot make a line, change one or drop
one unseen. Whoever holds the key can rewrite everything: ship the log to another machine against that.
"""

import hmac
import json
import re
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from proxy.audit.interface import Json

ZERO = "0" * 64  # what stands before the first event of a chain
_BLANK = b'"chain":{"hash":""'
_HASH = re.compile(rb'"chain":\{"hash":"([0-9a-f]{64})"')
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Link:
    """An event's place: chain, number from 1 and hash. As an anchor: a later chain's word that this place existed."""

    id: str
    seq: int
    hash: str

    def fields(self) -> dict[str, Json]:
        """Return the link as JSON."""
        return {"id": self.id, "seq": self.seq, "hash": self.hash}


def rendered(event: Mapping[str, Json], **_: object) -> str:
    """Return an event as one line of JSON; what is not JSON raises instead of being shown by its `repr`."""
    return _ENCODER.encode(event)


class Chain:
    """One writer's chain, as structlog processors: `link` goes before the renderer, `seal` after it.

    A line that could not be kept is forgotten: only `commit` moves the chain on.
    """

    def __init__(self, key: bytes, id_: str = "") -> None:
        self._key = key
        self.last = Link(id_ or secrets.token_hex(8), 0, ZERO)
        self._next = self.last

    def link(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Add the event's place in the chain, its hash still empty."""
        last = self.last
        event["chain"] = {"hash": "", "id": last.id, "prev": last.hash, "seq": last.seq + 1}
        return event

    def seal(self, _logger: object, _method: str, line: Any) -> bytes:
        """Return the line with its hash filled in."""
        blank: bytes = line.encode()
        digest = digest_of(self._key, blank)
        self._next = Link(self.last.id, self.last.seq + 1, digest)
        return blank.replace(_BLANK, b'"chain":{"hash":"' + digest.encode() + b'"', 1) + b"\n"

    def commit(self) -> None:
        """Say that the last sealed line is kept."""
        self.last = self._next


def digest_of(key: bytes, blank: bytes) -> str:
    """Return the digest of a line whose hash is empty."""
    return hmac.digest(key, blank, "sha256").hex()


def is_sealed(key: bytes, line: bytes) -> bool:
    """Return whether a line, without its newline, carries the digest of its own bytes."""
    match = _HASH.search(line)
    if match is None:
        return False
    blank = line[: match.start()] + _BLANK + line[match.end() :]
    return hmac.compare_digest(digest_of(key, blank).encode(), match[1])
