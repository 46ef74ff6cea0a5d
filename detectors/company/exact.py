"""Rows of a table in a text: values that stand near each other as they do in one row."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import deadline
from detectors.company.found import Cell, Passage, Reading
from detectors.company.lookup import begins, lead_of
from detectors.company.store import Stored
from detectors.company.table import COMMON, EMPTY, FIT, SHORT, Role, plan_of
from detectors.company.words import Places

_STRONG: Final = 2
_BLOCK: Final = 100_000  # rows looked at in one go
_NONE: Final[NDArray[np.uint32]] = np.zeros(0, dtype=np.uint32)
_WEAK: Final = 1  # a value that many rows have, or a short one, is worth half


@dataclass(frozen=True, slots=True)
class _Hits:
    """Where values of the table stand in a text: for each value its places in reading order."""

    places: dict[int, list[tuple[int, int]]]
    values: Places  # those values, sorted


class ExactIndex:
    """A stored table."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._plan = plan_of(stored)
        arrays = stored.arrays
        self._hashes, self._flags, self._directory = arrays["hashes"], arrays["flags"], arrays["directory"]
        self._begins, self._rows = arrays["begins"], arrays["rows"]
        self._cells = arrays["cells"].reshape(-1, len(self._plan.columns))
        self._roles = [column.role for column in self._plan.columns]
        self._alone = [at for at, role in enumerate(self._roles) if role is Role.ALONE]
        self._bits = (len(self._directory) - 1).bit_length() - 1

    @property
    def entities(self) -> frozenset[str]:
        """Return what values may be called that it finds."""
        return frozenset(column.entity for column in self._plan.columns if column.entity)

    def passages(self, reading: Reading) -> list[Passage]:
        """Return where rows of the table stand in a text; rows that touch each other are one passage."""
        hits = self._hits(reading)
        found = [self._passage(places) for places in self._matches(hits)]
        return _joined(found)

    def _hits(self, reading: Reading) -> _Hits:
        first, last, hashes = reading.runs()
        low = begins(self._directory, self._hashes, lead_of(hashes, self._bits), hashes)
        known = np.flatnonzero(low < len(self._hashes))
        known = known[self._hashes[low[known]] == hashes[known]]
        known = known[np.argsort(first[known], kind="stable")]
        places: dict[int, list[tuple[int, int]]] = {}
        for value, begin, end in zip(low[known].tolist(), first[known].tolist(), last[known].tolist(), strict=True):
            places.setdefault(value, []).append((begin, end))
        return _Hits(places, np.array(sorted(places), dtype=np.int64))

    def _matches(self, hits: _Hits) -> Iterator[list[tuple[int, int, int]]]:
        """Yield, for each row found, its values as first word, word after the last, column."""
        first, last = (self._begins[hits.values + more].astype(np.int64) for more in (0, 1))
        rows = np.concatenate(
            [_NONE, *(self._rows[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True) if a < b)]
        )
        for at in range(0, len(rows), _BLOCK):
            deadline.check()
            for row in np.unique(self._promising(np.unique(rows[at : at + _BLOCK]), hits.values), axis=0).tolist():
                deadline.check()
                present = [value for value in row if value != EMPTY]
                alone = {
                    value
                    for value, role in zip(row, self._roles, strict=True)
                    if role is Role.ALONE and self._fit(value)
                }
                for value in alone | {min(present, key=lambda value: len(hits.places[value]))}:
                    for place in hits.places[value]:
                        if match := self._match(row, value, place, hits):
                            yield match

    def _promising(self, rows: NDArray[np.uint32], values: Places) -> NDArray[np.uint32]:
        """Return the rows of which enough values stand in the text at all, with `EMPTY` for those that do not."""
        cells = self._cells[rows]
        at = np.searchsorted(values, cells)
        at[at == len(values)] = 0
        present = values[at] == cells
        flags = self._flags[np.where(present, cells, 0)]
        worth = np.where(flags & (SHORT | COMMON) != 0, _WEAK, _STRONG) * present
        sure = (present & (flags & FIT != 0) & (flags & COMMON == 0))[:, self._alone].any(axis=1)
        kept = (worth.sum(axis=1) > self._plan.need * _STRONG) | sure
        return np.where(present[kept], cells[kept], np.uint32(EMPTY))

    def _fit(self, value: int) -> bool:
        """Tell whether a value may stand alone."""
        return value != EMPTY and bool(self._flags[value] & FIT) and not self._flags[value] & COMMON

    def _match(
        self, row: list[int], value: int, place: tuple[int, int], hits: _Hits
    ) -> list[tuple[int, int, int]] | None:
        """Return the values of a row that stand around one of them, or None where they are too few."""
        column = min(
            (at for at, other in enumerate(row) if other == value), key=lambda at: self._roles[at] is Role.SUPPORT
        )
        near: list[tuple[int, int, int, int]] = []
        for at, other in enumerate(row):
            if other != value and other in hits.places and other not in row[:at]:
                nearest = _nearest(hits.places[other], place, self._plan.within)
                if nearest:
                    near.append((*nearest, at, other))
        taken = [(*place, column)]
        worth = [self._worth(value)]
        for _, begin, end, at, other in sorted((_gap(n[:2], place), *n) for n in near):
            if all(end <= t[0] or begin >= t[1] for t in taken):
                taken.append((begin, end, at))
                worth.append(self._worth(other))
        roles = [self._roles[at] for _, _, at in taken]
        named = [points for points, role in zip(worth, roles, strict=True) if role is not Role.SUPPORT]
        enough = bool(named) and sum(worth) - max(named) >= self._plan.need * _STRONG
        alone = self._fit(value) and any(
            self._roles[at] is Role.ALONE for at, other in enumerate(row) if other == value
        )
        return taken if alone or enough else None

    def _worth(self, value: int) -> int:
        return _WEAK if self._flags[value] & (SHORT | COMMON) else _STRONG

    def _passage(self, places: list[tuple[int, int, int]]) -> Passage:
        columns = self._plan.columns
        cells = tuple(
            Cell(begin, end, columns[column].entity) for begin, end, column in places if columns[column].entity
        )
        return Passage(min(p[0] for p in places), max(p[1] for p in places), 1.0, cells)


def _gap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(other[0] - one[1], one[0] - other[1], 0)


def _nearest(places: list[tuple[int, int]], to: tuple[int, int], within: int) -> tuple[int, int] | None:
    """Return the place nearest to another, not over it, with at most so many words between."""
    at = bisect_left(places, to)
    around = [place for place in places[max(0, at - 2) : at + 3] if place[1] <= to[0] or place[0] >= to[1]]
    best = min(around, key=lambda place: _gap(place, to), default=None)
    return best if best is not None and _gap(best, to) <= within else None


def _joined(passages: list[Passage]) -> list[Passage]:
    found: list[Passage] = []
    for passage in sorted(passages, key=lambda p: (p.first, p.last)):
        if found and passage.first <= found[-1].last:
            before = found[-1]
            cells = dict.fromkeys((*before.cells, *passage.cells))
            found[-1] = Passage(before.first, max(before.last, passage.last), 1.0, tuple(cells))
        else:
            found.append(passage)
    return found
