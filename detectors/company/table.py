"""A table as it is kept: for each value a keyed hash, for each row the places of its values among them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.company.hashing import Hashes
from detectors.company.lookup import bits_for, directory_of, lead_of
from detectors.company.store import Array, Json, Stored
from detectors.errors import Error

type Flags = NDArray[np.uint8]

KIND: Final = "exact"
EMPTY: Final = 0xFFFFFFFF  # in a row, where it has no value
SHORT, FIT, COMMON = 1, 2, 4  # weak by its shape; may stand alone; weak as too many rows have it
MOST_ROWS: Final = 1_000  # rows with one value, above which other values of a row have to lead to it
_COMMON_PART: Final = 100  # a value is common where more than one in so many rows have it, and more than five do
_COMMON_LEAST: Final = 5
_MOST_VALUES: Final = 1 << 34  # so that a run of words is taken for a value by chance once in 1e9 at the most


class Role(StrEnum):
    """What a value of a column is evidence of."""

    PRIMARY = "primary"  # names a row, where another value of the row stands near
    SUPPORT = "support"  # counts near a primary value
    ALONE = "alone"  # names a row by itself


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `entity` is what its values are called when found, or empty."""

    name: str
    role: Role
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table is read: a row counts where `need` more of its values stand within so many words of a primary one."""

    columns: tuple[Column, ...]
    within: int = 50
    need: int = 1

    def about(self) -> dict[str, Json]:
        """Return it for a file's header."""
        return {"columns": [{**asdict(column)} for column in self.columns], "within": self.within, "need": self.need}


def plan_of(stored: Stored) -> Plan:
    """Return how a stored table is read."""
    about: Mapping[str, Any] = stored.about
    columns = (Column(item["name"], Role(item["role"]), item["entity"]) for item in about["columns"])
    return Plan(tuple(columns), about["within"], about["need"])


@dataclass(frozen=True, slots=True)
class Rows:
    """The hashes of a table's values, 0 where a row has none, and what each value's shape is good for, by row."""

    hashes: NDArray[np.uint64]
    flags: Flags

    def __len__(self) -> int:
        return len(self.hashes)


def joined(parts: Sequence[Rows], columns: int) -> Rows:
    """Return several tables of the same columns as one."""
    empty = Rows(np.zeros((0, columns), dtype=np.uint64), np.zeros((0, columns), dtype=np.uint8))
    return Rows(
        np.concatenate([empty.hashes, *(part.hashes for part in parts)]),
        np.concatenate([empty.flags, *(part.flags for part in parts)]),
    )


def distinct(rows: Rows) -> Rows:
    """Return the rows that have values, each once."""
    rows = _taken(rows, rows.hashes.any(axis=1))
    _, first = np.unique(_keys(rows.hashes), return_index=True)
    return _taken(rows, np.sort(first))


def without(rows: Rows, gone: Rows) -> Rows:
    """Return the rows that `gone` does not hold."""
    return _taken(rows, ~np.isin(_keys(rows.hashes), _keys(gone.hashes)))


def _taken(rows: Rows, which: NDArray[Any]) -> Rows:
    return Rows(rows.hashes[which], rows.flags[which])


def _keys(hashes: NDArray[np.uint64]) -> Hashes:
    """Return one number for each row; its values are keyed hashes already."""
    keys = np.zeros(len(hashes), dtype=np.uint64)
    for column in hashes.T:
        keys = (keys ^ (keys >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + column
    return keys


def rows_of(stored: Stored) -> Rows:
    """Return the rows of a stored table."""
    columns = len(plan_of(stored).columns)
    cells = stored.arrays["cells"].reshape(-1, columns)
    filled = cells != EMPTY
    at = np.where(filled, cells, 0)
    shape = stored.arrays["flags"] & np.uint8(SHORT | FIT)
    if not len(stored.arrays["hashes"]):
        return Rows(np.zeros(cells.shape, dtype=np.uint64), np.zeros(cells.shape, dtype=np.uint8))
    return Rows(np.where(filled, stored.arrays["hashes"][at], np.uint64(0)), np.where(filled, shape[at], np.uint8(0)))


def arrays_of(rows: Rows, plan: Plan) -> dict[str, Array]:
    """Return what a file of these rows holds."""
    values, index, inverse = np.unique(rows.hashes.ravel(), return_index=True, return_inverse=True)
    flags = rows.flags.ravel()[index]
    cells = inverse.reshape(rows.hashes.shape).astype(np.int64)
    if len(values) and values[0] == 0:
        values, flags, cells = values[1:], flags[1:], cells - 1
    if len(values) > _MOST_VALUES or len(rows) >= EMPTY:
        raise Error("the table is too large for one index", hint="divide it")
    filled = cells >= 0
    counts = np.bincount(cells[filled], minlength=len(values))
    common = counts > max(_COMMON_LEAST, len(rows) // _COMMON_PART)
    flags = flags | np.where(common, np.uint8(COMMON), np.uint8(0))
    leads = filled & (counts[np.where(filled, cells, 0)] <= MOST_ROWS if len(values) else False)
    support = np.array([column.role is Role.SUPPORT for column in plan.columns])
    leads[:, support] &= ~leads[:, ~support].any(axis=1, keepdims=True)  # where no other value leads to the row
    row, at = np.nonzero(leads)
    value = cells[row, at]
    order = np.argsort(value, kind="stable")
    counted = np.bincount(value, minlength=len(values))
    bits = bits_for(len(values))
    return {
        "hashes": values,
        "flags": flags,
        "directory": directory_of(lead_of(values, bits), bits),
        "begins": np.concatenate([np.zeros(1, dtype=np.uint32), np.cumsum(counted, dtype=np.uint32)]),
        "rows": row[order].astype(np.uint32),
        "cells": np.where(filled, cells, EMPTY).astype(np.uint32).ravel(),
    }
