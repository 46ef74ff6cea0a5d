"""What an index gives: passages of a text that are the company's own, counted in words."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from detectors.company.hashing import Hasher, Hashes
from detectors.company.store import Stored
from detectors.company.words import Places, Words


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of one column that stands at the words [first, last), and what it is to be called."""

    first: int
    last: int
    entity: str


@dataclass(frozen=True, slots=True)
class Passage:
    """The words [first, last) that an index knows, how sure that is (0 to 1), and the values in it that have a name."""

    first: int
    last: int
    score: float
    cells: tuple[Cell, ...] = ()


class Reading:
    """One text as words, with the hashes that indexes ask for made once for all of them."""

    LONGEST_RUN = 10  # words of a value

    def __init__(self, words: Words, hasher: Hasher) -> None:
        self.words = words
        self._hasher = hasher
        self._runs: tuple[Places, Places, Hashes] | None = None
        self._grams: dict[int, Hashes] = {}

    def runs(self) -> tuple[Places, Places, Hashes]:
        """Return every run of one word to ten: its first word, the word after its last, its hash as a value."""
        if self._runs is None:
            first, last = runs_of(len(self.words), self.LONGEST_RUN)
            self._runs = first, last, self._hasher.value_hashes(self.words, first, last)
        return self._runs

    def grams(self, size: int) -> Hashes:
        """Return the hash of each run of `size` words, as passages of documents are hashed."""
        if size not in self._grams:
            self._grams[size] = self._hasher.gram_hashes(self.words, size)
        return self._grams[size]


def runs_of(count: int, longest: int) -> tuple[Places, Places]:
    """Return the first words of all runs of at most `longest` words among so many, and the words after their last."""
    sizes = range(1, min(longest, count) + 1)
    if not sizes:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    first = np.concatenate([np.arange(count - size + 1) for size in sizes])
    last = first + np.repeat(np.arange(1, len(sizes) + 1), [count - size + 1 for size in sizes])
    return first, last


class Index(Protocol):
    """A file that is open, and what it finds."""

    @property
    def stored(self) -> Stored:
        """Return the file's header and arrays."""

    @property
    def entities(self) -> frozenset[str]:
        """Return what values may be called that it finds."""

    def passages(self, reading: Reading) -> list[Passage]:
        """Return what the index knows of a text, in reading order; passages do not overlap."""
