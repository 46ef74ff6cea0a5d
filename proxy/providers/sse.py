"""Cuts an event stream into its events, sans IO, as the WHATWG's `text/event-stream` says, and keeps every byte."""

import re
from dataclasses import dataclass, field

FRAME_LIMIT = 16 * 1024 * 1024  # bytes; a generated image in one event takes some megabytes

_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_BOM = b"\xef\xbb\xbf"
_FIELDS = frozenset({b"event", b"data", b"id", b"retry"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` is None where it has none; `places` are its lines' half-open places in `raw`.

    `strange` says that there is a line which is no field of an event: readers pass over it, so rely not on it.
    """

    raw: bytes = field(repr=False)
    event: str = ""
    data: bytes | None = field(default=None, repr=False)
    id: str = field(default="", repr=False)
    retry: int | None = None
    places: tuple[tuple[int, int], ...] = ()
    strange: bool = False

    def with_data(self, data: bytes) -> bytes:
        """Return the event's bytes with other data of as many lines."""
        pieces: list[bytes] = []
        at = 0
        for (start, end), line in zip(self.places, data.split(b"\n"), strict=True):
            pieces += (self.raw[at:start], line)
            at = end
        pieces.append(self.raw[at:])
        return b"".join(pieces)


class Framer:
    """Collects bytes into events; any split of the bytes gives the same ones, and joined they are the input.

    An event's bytes end with its blank line. A CR at the end of what came waits for the next byte, as an LF may belong
    to it. What grows past `limit` without an end is given out as it is, in one piece, and `overflowed` is set.
    """

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self.overflowed = False
        self._limit = limit
        self._buffer = bytearray()
        self._from = 0  # where a blank line may start that was not there before

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that `data` completes."""
        if not self._buffer and data.endswith(b"\n\n") and data.find(b"\n\n") == len(data) - 2 and b"\r" not in data:
            return self._cut([data])
        self._buffer += data
        buffer, at = self._buffer, 0
        end = len(buffer) - 1 if buffer.endswith(b"\r") else len(buffer)
        found: list[bytes] = []
        search = self._from
        while blank := _BLANK_LINE.search(buffer, search, end):
            found.append(bytes(buffer[at : blank.end()]))
            at = search = blank.end()
        del buffer[:at]
        self._from = max(0, len(buffer) - 4)
        return self._cut(found)

    def _cut(self, found: list[bytes]) -> list[bytes]:
        if self.overflowed or len(self._buffer) > self._limit or any(len(raw) > self._limit for raw in found):
            self.overflowed = True
            found = [*found, bytes(self._buffer)] if self._buffer else found
            self._buffer.clear()
            self._from = 0
        return found

    def close(self) -> bytes:
        """Return what is left, an event without its blank line."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._from = 0
        return rest


def parse(raw: bytes) -> Event:
    """Return the event that these bytes are."""
    at = len(_BOM) if raw.startswith(_BOM) else 0
    name, identifier, retry, strange = "", "", None, False
    places: list[tuple[int, int]] = []
    while at < len(raw):
        line = _LINE.match(raw, at)
        assert line is not None
        start, end, at = line.start(1), line.end(1), line.end()
        if start == end or raw[start] == 0x3A:  # blank, or a comment
            continue
        colon = raw.find(b":", start, end)
        key = raw[start : end if colon < 0 else colon]
        value = end if colon < 0 else colon + 1
        if value < end and raw[value] == 0x20:
            value += 1
        if key == b"data":
            places.append((value, end))
        elif key not in _FIELDS:
            strange = True
        elif key == b"event":
            name = raw[value:end].decode("utf-8", "replace")
        elif key == b"id":
            identifier = raw[value:end].decode("utf-8", "replace")
        elif raw[value:end].isdigit() and end - value < 16:
            retry = int(raw[value:end])
    data = b"\n".join(raw[start:end] for start, end in places) if places else None
    return Event(raw, name, data, identifier, retry, tuple(places), strange)
