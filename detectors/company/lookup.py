"""Finding many hashes in a sorted array at once, through a directory of where each leading part begins."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.company.hashing import Hashes
from detectors.company.words import Places

type Directory = NDArray[np.uint32]

_LEAST_BITS: Final = 10
_MOST_BITS: Final = 28


def bits_for(count: int) -> int:
    """Return how many leading bits a directory of so many hashes goes by: one to two hashes for each entry."""
    return min(max(_LEAST_BITS, count.bit_length() - 1), _MOST_BITS)


def directory_of(leads: Hashes, bits: int) -> Directory:
    """Return where each leading part begins among sorted hashes, given as those parts: 2**bits + 1 places."""
    counts = np.bincount(leads.astype(np.int64), minlength=1 << bits)
    return np.concatenate([np.zeros(1, dtype=np.uint32), np.cumsum(counts, dtype=np.uint32)])


def lead_of(hashes: Hashes, bits: int) -> Hashes:
    """Return the leading bits of hashes."""
    return hashes >> np.uint64(64 - bits)


def begins(
    directory: Directory, entries: NDArray[np.unsignedinteger], lead: Hashes, rest: NDArray[np.unsignedinteger]
) -> Places:
    """Return, for each hash given as its lead and the rest of it, the first of the entries that is not before it."""
    low, high = directory[lead].astype(np.int64), directory[lead + np.uint64(1)].astype(np.int64)
    return _first(entries, low, high, rest, after=False)


def bounds(
    directory: Directory, entries: NDArray[np.unsignedinteger], lead: Hashes, rest: NDArray[np.unsignedinteger]
) -> tuple[Places, Places]:
    """Return, for each hash given as its lead and the rest of it, where its equals begin and end among the entries."""
    low = begins(directory, entries, lead, rest)
    return low, _first(entries, low, directory[lead + np.uint64(1)].astype(np.int64), rest, after=True)


def _first(
    entries: NDArray[np.unsignedinteger], low: Places, high: Places, wanted: NDArray[np.unsignedinteger], *, after: bool
) -> Places:
    """Return the first place in [low, high) whose entry is not before (or is after) the wanted one, else `high`."""
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(low < high)
    while len(open_):
        middle = (low[open_] + high[open_]) >> 1
        found = entries[middle]
        before = found <= wanted[open_] if after else found < wanted[open_]
        low[open_[before]] = middle[before] + 1
        high[open_[~before]] = middle[~before]
        open_ = open_[low[open_] < high[open_]]
    return low
