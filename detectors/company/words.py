"""Text as words: letters and digits alone, folded over case, accents and width, with their places in the original."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Letters = NDArray[np.uint32]
type Places = NDArray[np.int64]

_BREAK: Final = 0
_JOIN: Final = -1
_OTHER: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe"})
_IDEOGRAPHS: Final = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text: word i has the letters [starts[i], starts[i + 1]) and the code points [begins[i], ends[i])."""

    letters: Letters
    starts: Places  # one more than there are words
    begins: Places
    ends: Places

    def __len__(self) -> int:
        return len(self.begins)


def words_of(text: str, *, escaped: bool = False) -> Words:
    """Return the words of a text in time linear in its length; `escaped` takes a backslash's `n`, `r` and `t` as white.

    An ideograph is a word of its own. Marks and characters that show nothing neither end a word nor belong to one.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if text.isascii():
        letters = _ASCII[points]
        places = np.flatnonzero(letters)
        letters = letters[places]
        ranks = places
    else:
        letters, places, ranks = _folded(points)
    if escaped and len(places):
        white = np.isin(points, _ESCAPES)
        white[1:] &= points[:-1] == ord("\\")
        white[0] = False
        kept = ~white[places]
        letters, places, ranks = letters[kept], places[kept], ranks[kept]
    if not len(places):
        nothing = np.zeros(0, dtype=np.int64)
        return Words(letters, np.zeros(1, dtype=np.int64), nothing, nothing)
    first = np.empty(len(places), dtype=bool)
    first[0] = True
    np.greater(np.diff(ranks), 1, out=first[1:])
    if not text.isascii():
        alone = _is_ideograph(letters)
        first[1:] |= (alone[1:] | alone[:-1]) & (places[1:] != places[:-1])
    starts = np.append(np.flatnonzero(first), len(places))
    ends = places[starts[1:] - 1] + 1
    return Words(letters, starts, places[starts[:-1]], ends)


@lru_cache(maxsize=65_536)  # of code points, which are no text
def _fold(point: int) -> tuple[int, ...]:
    """Return the letters and digits that a code point stands for, or whether it ends a word or is passed over."""
    character = chr(point)
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold()).translate(_OTHER)
    letters = tuple(ord(_digit(part)) for part in spread if part.isalnum())
    if letters:
        return letters
    return (_JOIN,) if unicodedata.category(character) in {"Mn", "Me", "Cf"} else (_BREAK,)


def _digit(character: str) -> str:
    """Return a decimal digit of any script as one of ASCII, all else as it is."""
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _folded(points: Letters) -> tuple[Letters, Places, Places]:
    """Return the letters, the code point each comes from, and that code point's rank among those that show."""
    kinds, inverse = np.unique(points, return_inverse=True)
    folds = [_fold(int(kind)) for kind in kinds]
    counts = np.array([len(fold) for fold in folds])
    offsets = np.append(0, np.cumsum(counts))
    flat = np.array([letter for fold in folds for letter in fold], dtype=np.int64)
    lead = flat[offsets[:-1]][inverse]  # the first letter of each code point
    ranks = np.cumsum(lead != _JOIN)
    shown = np.flatnonzero(lead > 0)
    of, many = inverse[shown], counts[inverse[shown]]
    places = np.repeat(shown, many)
    within = np.arange(len(places)) - np.repeat(np.cumsum(many) - many, many)
    letters = flat[np.repeat(offsets[of], many) + within].astype(np.uint32)
    return letters, places, ranks[places]


def _is_ideograph(letters: Letters) -> NDArray[np.bool_]:
    found = np.zeros(len(letters), dtype=bool)
    for low, high in _IDEOGRAPHS:
        found |= (letters >= low) & (letters <= high)
    return found


_ASCII: Final = np.array(
    [ord(chr(point).lower()) if chr(point).isalnum() else _BREAK for point in range(128)], dtype=np.uint32
)
_ESCAPES: Final = np.array([ord("n"), ord("r"), ord("t")], dtype=np.uint32)
