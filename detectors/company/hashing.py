"""Keyed hashes of runs of words, thousands at a time; without the key nothing can be told or tried from them."""

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.company.words import Places, Words
from detectors.errors import Error

type Hashes = NDArray[np.uint64]

KEY_BYTES: Final = range(32, blake2b.MAX_KEY_SIZE + 1)
_BLOCK: Final = 8_192  # hashes made at a time, so that what is worked on stays in the cache
_POWERS: Final = 65_536  # powers kept; longer texts have theirs made anew
_U: Final = np.uint64
_INITIAL: Final = (
    0x736F6D6570736575,
    0x646F72616E646F6D,
    0x6C7967656E657261,
    0x7465646279746573,
)  # SipHash, section 2.1
_LAST: Final = _U(8 << 56)  # the length of the message, eight bytes, as its last block


class Hasher:
    """Hashes under one key of 32 to 64 bytes: a keyed polynomial over the letters of a run, then SipHash-2-4 of it.

    A run's hash does not depend on where its words are divided: `DE89 3704` and `DE893704` are one. Values of tables
    and passages of documents are hashed under keys of their own.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) not in KEY_BYTES:
            raise Error(
                f"the key of the indexes has {len(key)} bytes",
                hint=f"it must have {KEY_BYTES.start} to {KEY_BYTES.stop - 1} random bytes",
            )
        self._key = key
        self.id = self._derived(b"id").hex()
        self.mac_key = self._derived(b"mac", 64)
        numbers = np.frombuffer(self._derived(b"runs", 64), dtype="<u8")
        self._base = int(numbers[0]) | 1
        self._salt, self._odd, self._length = numbers[1], numbers[2] | _U(1), numbers[3] | _U(1)
        self._values, self._passages = numbers[4:6], numbers[6:8]
        self._powers = _powers(self._base, _POWERS)
        self._inverses = _powers(pow(self._base, -1, 1 << 64), _POWERS)

    def value_hashes(self, words: Words, first: Places, last: Places) -> Hashes:
        """Return the hashes of the runs from the word `first` to before the word `last`, as values of tables."""
        return siphash(self._runs(words, first, last), self._values)

    def gram_hashes(self, words: Words, size: int) -> Hashes:
        """Return the hashes of every run of `size` words, as passages of documents."""
        first = np.arange(max(0, len(words) - size + 1))
        return siphash(self._runs(words, first, first + size), self._passages)

    def of_bytes(self, content: bytes) -> int:
        """Return the hash of a document's bytes or of its name, below 2**64."""
        return int.from_bytes(blake2b(content, key=self._derived(b"content"), digest_size=8).digest(), "little")

    def _derived(self, purpose: bytes, size: int = 16) -> bytes:
        return blake2b(key=self._key, digest_size=size, person=b"lockgate.index", salt=purpose).digest()

    def _runs(self, words: Words, first: Places, last: Places) -> Hashes:
        count = len(words.letters)
        powers, inverses = self._powers, self._inverses
        if count >= _POWERS:
            powers, inverses = _powers(self._base, count + 1), _powers(int(inverses[1]), count + 1)
        sums = np.zeros(count + 1, dtype=np.uint64)
        np.cumsum(_mixed(words.letters * self._odd + self._salt) * powers[:count], out=sums[1:])
        begin, end = words.starts[first], words.starts[last]
        found: Hashes = (sums[end] - sums[begin]) * inverses[begin] + (end - begin).astype(np.uint64) * self._length
        return found


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """Return each value spread over all 64 bits (the finalizer of MurmurHash3)."""
    values = values ^ (values >> _U(33))
    values *= _U(0xFF51AFD7ED558CCD)
    values ^= values >> _U(33)
    values *= _U(0xC4CEB9FE1A85EC53)
    values ^= values >> _U(33)
    return values


def siphash(messages: Hashes, key: Hashes) -> Hashes:
    """Return SipHash-2-4 of each message of eight bytes under a key of two words (Aumasson and Bernstein, 2012)."""
    if len(messages) <= _BLOCK:
        return _siphash(messages, key)
    blocks = (messages[at : at + _BLOCK] for at in range(0, len(messages), _BLOCK))
    return np.concatenate([_siphash(block, key) for block in blocks])


def _siphash(messages: Hashes, key: Hashes) -> Hashes:
    start = [_U(word) ^ key[at % 2] for at, word in enumerate(_INITIAL)]
    state = _State(start, len(messages))
    for block in (messages, np.full(1, _LAST)):
        state.d ^= block
        for _ in range(2):
            state.turn()
        state.a ^= block
    state.c ^= _U(0xFF)
    for _ in range(4):
        state.turn()
    return state.a ^ state.b ^ state.c ^ state.d


class _State:
    """SipHash's four words of state, for many messages at once."""

    def __init__(self, start: list[np.uint64], count: int) -> None:
        self.a, self.b, self.c, self.d = (np.full(count, word, dtype=np.uint64) for word in start)
        self._spare = np.empty(count, dtype=np.uint64)

    def turn(self) -> None:
        a, b, c, d = self.a, self.b, self.c, self.d
        a += b
        self._rotate(b, 13)
        b ^= a
        self._rotate(a, 32)
        c += d
        self._rotate(d, 16)
        d ^= c
        a += d
        self._rotate(d, 21)
        d ^= a
        c += b
        self._rotate(b, 17)
        b ^= c
        self._rotate(c, 32)

    def _rotate(self, word: Hashes, bits: int) -> None:
        np.right_shift(word, _U(64 - bits), out=self._spare)
        np.left_shift(word, _U(bits), out=word)
        word |= self._spare
