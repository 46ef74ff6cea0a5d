"""How segments become texts of a good size for one look: short ones joined, long ones in overlapping windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from detectors.analyzer.context import BREAK

SIZE: Final = 4096  # one call costs as much as scanning a few hundred characters; merging grows with its square
MARGIN: Final = 256  # seen on both sides of what a window owns
_HEADER: Final = 2_000
SEPARATOR: Final = f"\n{BREAK}\n"  # white space and a character that no pattern takes: nothing matches across it


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of segment `index`: the chunk's characters [start, end) are the segment's from `offset`.

    What begins in the segment's [owns_from, owns_to) is this piece's to report.
    """

    index: int
    start: int
    end: int
    offset: int
    owns_from: int
    owns_to: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A text for one look, with the pieces it is made of, in order; `header` is the first line of what it is a part of."""

    text: str
    pieces: tuple[Piece, ...]
    header: str = ""


def chunks(texts: Sequence[str]) -> Iterator[Chunk]:
    """Yield all texts, joined and cut; every character is owned by exactly one piece."""
    parts: list[str] = []
    pieces: list[Piece] = []
    length = 0
    for index, text in enumerate(texts):
        if len(text) > SIZE:
            yield from _windows(index, text)
            continue
        if not text:
            continue
        if pieces and length + len(text) > SIZE:
            yield Chunk(SEPARATOR.join(parts), tuple(pieces))
            parts, pieces, length = [], [], 0
        pieces.append(Piece(index, length, length + len(text), 0, 0, len(text)))
        parts.append(text)
        length += len(text) + len(SEPARATOR)
    if pieces:
        yield Chunk(SEPARATOR.join(parts), tuple(pieces))


def _windows(index: int, text: str) -> Iterator[Chunk]:
    for owned in range(0, len(text), SIZE):
        yield window(index, text, owned, min(owned + SIZE, len(text)), MARGIN)


def window(index: int, text: str, owns_from: int, owns_to: int, margin: int) -> Chunk:
    """Return the chunk that owns a part of a text and sees `margin` characters around it."""
    first, last = max(0, owns_from - MARGIN), min(len(text), owns_to + margin)
    header = text[: text.find("\n", 0, _HEADER) + 1] if first else ""
    return Chunk(text[first:last], (Piece(index, 0, last - first, first, owns_from, owns_to),), header)
