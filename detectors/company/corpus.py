"""A folder's documents as they are kept: runs of their words as keyed hashes, without the runs that many share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.company.hashing import Hasher, Hashes
from detectors.company.lookup import directory_of
from detectors.company.prints import GRAM, LEAST, kept
from detectors.company.store import Array, Stored
from detectors.company.words import words_of
from detectors.errors import Error

_LEAST_BITS: Final = 16
_MOST_BITS: Final = 28
_SKETCH: Final = 8  # hashes by which two versions of a document are known
_ALIKE: Final = 6  # of them that two versions share
_FAMILIES_PART: Final = 10  # runs that more than one in so many families of documents hold are boilerplate,
_FAMILIES_LEAST: Final = 3  # if more than so many do,
_FAMILIES_MOST: Final = 20  # and however many there are, if more than so many do


@dataclass(frozen=True, slots=True)
class Print:
    """A document: hashes of its name and its bytes, and those of its runs that are kept with the words they begin at."""

    name: int
    content: int
    words: int
    hashes: Hashes
    places: NDArray[np.uint16]


def print_of(text: str, name: int, content: int, hasher: Hasher) -> Print:
    """Return the print of a document's text."""
    words = words_of(text)
    hashes = hasher.gram_hashes(words, GRAM) if len(words) >= LEAST else np.zeros(0, dtype=np.uint64)
    at = kept(hashes)
    hashes, first = np.unique(hashes[at], return_index=True)
    return Print(name, content, len(words), hashes, (at[first] & 0xFFFF).astype(np.uint16))


@dataclass(frozen=True, slots=True)
class Corpus:
    """Prints joined: documents by number, and their kept runs sorted by hash, as leading bits and the rest of each."""

    bits: int
    names: Hashes
    contents: Hashes
    sketches: NDArray[np.uint64]  # eight for each document, 2**64 - 1 where there are fewer
    keys: Hashes  # the leading bits, then 32 bits of the rest
    documents: NDArray[np.uint32]
    places: NDArray[np.uint16]
    common: Hashes  # keys that are boilerplate

    def __len__(self) -> int:
        return len(self.names)


def corpus_of(prints: Sequence[Print], bits: int = 0) -> Corpus:
    """Return prints as a corpus; `bits` is the size of its directory, told from their number where it is 0."""
    count = sum(len(item.hashes) for item in prints)
    bits = bits or min(max(_LEAST_BITS, count.bit_length() - 1), _MOST_BITS)
    if len(prints) >= 1 << 32 or count >= 1 << 32:
        raise Error("the folder is too large for one index", hint="divide it")
    sketches = np.full((len(prints), _SKETCH), np.iinfo(np.uint64).max, dtype=np.uint64)
    for at, item in enumerate(prints):
        least = item.hashes[:_SKETCH]
        sketches[at, : len(least)] = least
    keys = _keys(np.concatenate([np.zeros(0, dtype=np.uint64), *(item.hashes for item in prints)]), bits)
    documents = np.repeat(np.arange(len(prints), dtype=np.uint32), [len(item.hashes) for item in prints])
    places = np.concatenate([np.zeros(0, dtype=np.uint16), *(item.places for item in prints)])
    order = np.argsort(keys, kind="stable")
    return Corpus(
        bits,
        np.array([item.name for item in prints], dtype=np.uint64),
        np.array([item.content for item in prints], dtype=np.uint64),
        sketches,
        keys[order],
        documents[order],
        places[order],
        np.zeros(0, dtype=np.uint64),
    )


def _keys(hashes: Hashes, bits: int) -> Hashes:
    return (hashes >> np.uint64(64 - bits)) << np.uint64(32) | (hashes & np.uint64(0xFFFFFFFF))


def loaded(stored: Stored) -> Corpus:
    """Return the corpus of a file."""
    arrays = stored.arrays
    directory = arrays["directory"].astype(np.int64)
    leads = np.repeat(np.arange(len(directory) - 1, dtype=np.uint64), np.diff(directory))
    return Corpus(
        (len(directory) - 1).bit_length() - 1,
        arrays["names"],
        arrays["contents"],
        arrays["sketches"].reshape(-1, _SKETCH),
        leads << np.uint64(32) | arrays["rests"],
        arrays["documents"],
        arrays["places"],
        arrays["common"],
    )


def changed(corpus: Corpus, gone: NDArray[np.bool_], more: Corpus) -> Corpus:
    """Return a corpus without the documents marked `gone` and with those of another of the same bits."""
    numbers = np.cumsum(~gone) - 1
    stays = ~gone[corpus.documents]
    keys = np.concatenate([corpus.keys[stays], more.keys])
    first = np.uint32(int((~gone).sum()))
    documents = np.concatenate([numbers[corpus.documents[stays]].astype(np.uint32), more.documents + first])
    order = np.argsort(keys, kind="stable")
    return Corpus(
        corpus.bits,
        np.concatenate([corpus.names[~gone], more.names]),
        np.concatenate([corpus.contents[~gone], more.contents]),
        np.concatenate([corpus.sketches[~gone], more.sketches]),
        keys[order],
        documents[order],
        np.concatenate([corpus.places[stays], more.places])[order],
        corpus.common,
    )


def cleared(corpus: Corpus) -> Corpus:
    """Return a corpus without boilerplate: runs that stand in many documents that are not versions of each other."""
    families = families_of(corpus.sketches)
    count = len(np.unique(families))
    most = min(max(_FAMILIES_LEAST, count // _FAMILIES_PART), _FAMILIES_MOST)
    begins = np.flatnonzero(np.append(True, corpus.keys[1:] != corpus.keys[:-1])) if len(corpus.keys) else _NONE
    sizes = np.diff(np.append(begins, len(corpus.keys)))
    many = np.repeat(sizes > most, sizes)
    pairs = np.unique(np.stack([corpus.keys[many], families[corpus.documents[many]].astype(np.uint64)]), axis=1)
    keys, times = np.unique(pairs[0], return_counts=True)
    common = np.union1d(corpus.common, keys[times > most])
    stays = ~np.isin(corpus.keys, common)
    return replace(
        corpus,
        keys=corpus.keys[stays],
        documents=corpus.documents[stays],
        places=corpus.places[stays],
        common=common,
    )


_NONE: Final[NDArray[Any]] = np.zeros(0, dtype=np.int64)


def families_of(sketches: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each document the number of the first one that it is a version of, itself where there is none."""
    documents = np.repeat(np.arange(len(sketches)), _SKETCH)
    flat = sketches.ravel()
    filled = flat != np.iinfo(np.uint64).max
    flat, documents = flat[filled], documents[filled]
    order = np.lexsort((documents, flat))
    flat, documents = flat[order], documents[order]
    same = np.flatnonzero(flat[1:] == flat[:-1])
    pairs = Counter(zip(documents[same].tolist(), documents[same + 1].tolist(), strict=True))
    heads = list(range(len(sketches)))

    def head(document: int) -> int:
        while heads[document] != document:
            heads[document] = heads[heads[document]]
            document = heads[document]
        return document

    for (one, other), times in pairs.items():
        if times >= _ALIKE and one != other:
            low, high = sorted((head(one), head(other)))
            heads[high] = low
    return np.array([head(document) for document in range(len(sketches))], dtype=np.int64)


def arrays_of(corpus: Corpus) -> dict[str, Array]:
    """Return what a file of this corpus holds."""
    return {
        "directory": directory_of(corpus.keys >> np.uint64(32), corpus.bits),
        "rests": (corpus.keys & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        "documents": corpus.documents,
        "places": corpus.places,
        "names": corpus.names,
        "contents": corpus.contents,
        "sketches": corpus.sketches.ravel(),
        "common": corpus.common,
    }


def bare(corpus: Corpus) -> int:
    """Return how many documents have no run left that would show them."""
    return len(corpus) - len(np.unique(corpus.documents))
