"""Passages of documents in a text: runs of words that stand in both, in the same order, close together."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors import deadline
from detectors.company.found import Passage, Reading
from detectors.company.lookup import bounds, lead_of
from detectors.company.store import Stored

KIND: Final = "prints"
GRAM: Final = 4  # words of a run that is hashed
WINDOW: Final = 2  # of so many runs in a row one is kept (winnowing: Schleimer, Wilkerson, Aiken, 2003)
LEAST: Final = 11  # words copied in one piece that are always found
_FEWEST: Final = 3  # runs of a document that make a passage
COVERED: Final = LEAST - 2 * (WINDOW - 1)  # words that the kept runs of such a piece cover at the least
_DRIFT: Final = 3  # words put in or left out between two runs of a copy
_GAP: Final = 30  # words of another's between two runs of one passage


class PrintsIndex:
    """The stored runs of a folder of documents."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        arrays = stored.arrays
        self._directory, self._rests = arrays["directory"], arrays["rests"]
        self._documents, self._places = arrays["documents"], arrays["places"]
        self._bits = (len(self._directory) - 1).bit_length() - 1

    @property
    def entities(self) -> frozenset[str]:
        """Return what values may be called that it finds: passages have a tag alone."""
        return frozenset()

    def passages(self, reading: Reading) -> list[Passage]:
        """Return where passages of the documents stand in a text; those that touch each other are one."""
        hashes = reading.grams(GRAM)
        if len(hashes) < COVERED - GRAM + 1:
            return []
        low, high = bounds(self._directory, self._rests, lead_of(hashes, self._bits), hashes.astype(np.uint32))
        counts = high - low
        at = np.repeat(np.arange(len(hashes)), counts)
        if not len(at):
            return []
        entry = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(len(at))
        return _joined([*_copies(at, self._documents[entry], self._places[entry])])


def _copies(at: NDArray[np.int64], documents: NDArray[np.uint32], places: NDArray[np.uint16]) -> Iterator[Passage]:
    """Yield passages of one document each; `at` is the text's word at which a run begins, `places` the document's."""
    _, of, times = np.unique(documents, return_inverse=True, return_counts=True)
    enough = (times >= _FEWEST)[of]
    shift = (at - places.astype(np.int64)) & 0xFFFF
    order = np.lexsort((at, shift, documents))
    order = order[enough[order]]
    columns = (column[order].tolist() for column in (documents, shift, at, places))
    for _, group in groupby(zip(*columns, strict=True), itemgetter(0)):
        deadline.check()
        run: list[tuple[int, int]] = []
        before = None
        for _, own_shift, place, theirs in group:
            if before is not None and own_shift - before > _DRIFT:
                yield from _passages(run)
                run = []
            run.append((place, theirs))
            before = own_shift
        yield from _passages(run)


def _passages(run: list[tuple[int, int]]) -> Iterator[Passage]:
    """Yield the passages of runs at these words, in the text and in the document, in step with each other."""
    if len(run) < _FEWEST:
        return
    run.sort()
    passage = _Copy(run[0][0])
    for place, theirs in run:
        if place > passage.end + _GAP:
            yield from passage.ended()
            passage = _Copy(place)
        passage.take(place, theirs)
    yield from passage.ended()


class _Copy:
    """A passage on its way: which words it covers, and how many of the document's runs it is made of."""

    def __init__(self, place: int) -> None:
        self.end = place
        self._first = place
        self._covered = 0
        self._theirs: set[int] = set()

    def take(self, place: int, theirs: int) -> None:
        """Add a run that begins at a word of the text and at one of the document."""
        self._covered += place + GRAM - max(place, self.end)
        self.end = place + GRAM
        self._theirs.add(theirs)

    def ended(self) -> Iterator[Passage]:
        """Yield the passage if it is long enough; one word over and over is none."""
        if self._covered >= COVERED and len(self._theirs) >= _FEWEST:
            share = self._covered / (self.end - self._first)
            yield Passage(self._first, self.end, round(0.5 + 0.5 * share, 2))


def _joined(passages: list[Passage]) -> list[Passage]:
    found: list[Passage] = []
    for passage in sorted(passages, key=lambda p: (p.first, p.last)):
        if found and passage.first <= found[-1].last:
            before = found[-1]
            found[-1] = Passage(before.first, max(before.last, passage.last), max(before.score, passage.score))
        else:
            found.append(passage)
    return found


def kept(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return which of a document's runs are kept: the least of every two in a row, or all of too few."""
    if len(hashes) < WINDOW:
        return np.arange(len(hashes))
    views: NDArray[Any] = np.lib.stride_tricks.sliding_window_view(hashes, WINDOW)
    return np.unique(views.argmin(axis=1) + np.arange(len(views)))
