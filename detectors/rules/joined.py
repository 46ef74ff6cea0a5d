"""Many texts as one run of UTF-8 bytes, so that a pass over them costs once; and byte offsets back to code points."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

# No pattern spans it by white space alone, and ^, $ and \b behave beside it as at the ends of a text.
_SEPARATOR = b"\n\x00\n"
_BATCH_BYTES = 64 * 1024


class Joined:
    """A batch of texts; `first` is the index of its first one among all texts."""

    __slots__ = ("data", "first", "starts", "stops")

    def __init__(self, pieces: Sequence[bytes], first: int) -> None:
        self.data = pieces[0] if len(pieces) == 1 else _SEPARATOR.join(pieces)
        self.first = first
        self.starts: list[int] = []
        self.stops: list[int] = []
        offset = 0
        for piece in pieces:
            self.starts.append(offset)
            self.stops.append(offset + len(piece))
            offset += len(piece) + len(_SEPARATOR)

    def place(self, start: int) -> int:
        """Return which piece of the batch a byte offset falls into; a separator counts to the piece before it."""
        return bisect_right(self.starts, start) - 1

    def piece(self, index: int) -> bytes:
        """Return the bytes of one piece."""
        return self.data[self.starts[index] : self.stops[index]]


def encoded(text: str) -> bytes:
    """Return a text's UTF-8 bytes; a lone surrogate becomes a question mark, which keeps code points in step."""
    return text.encode("utf-8", "replace")


def batches(texts: Sequence[str]) -> Iterator[Joined]:
    """Yield all texts, in order, joined up to a size; a long one stands alone."""
    pieces: list[bytes] = []
    size = first = 0
    for index, text in enumerate(texts):
        piece = encoded(text)
        if pieces and size + len(piece) > _BATCH_BYTES:
            yield Joined(pieces, first)
            pieces, size, first = [], 0, index
        pieces.append(piece)
        size += len(piece) + len(_SEPARATOR)
    if pieces:
        yield Joined(pieces, first)


class CodePoints:
    """Offsets of one piece's bytes as code points of its text; ask in any order, cheapest in ascending order."""

    __slots__ = ("_byte", "_data", "_point", "_wide")

    def __init__(self, data: bytes, length: int) -> None:
        self._data = data
        self._wide = len(data) != length
        self._byte = self._point = 0

    def at(self, offset: int) -> int:
        """Return the code point offset of a byte offset that lies between two characters."""
        if not self._wide:
            return offset
        if offset < self._byte:
            self._byte = self._point = 0
        self._point += len(self._data[self._byte : offset].decode("utf-8"))
        self._byte = offset
        return self._point
