"""The keyed fingerprint of a found value: equal values can be told apart from others without holding any of them."""

import unicodedata
from hashlib import blake2b

from detectors.errors import Error

_KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)
_DIGEST_BYTES = 16


class Fingerprinter:
    """Make fingerprints under one key of 16 to 64 bytes; without it no value can be guessed from its fingerprint."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in _KEY_BYTES:
            raise Error(
                f"the fingerprint key has {len(key)} bytes",
                hint=f"it must have {_KEY_BYTES.start} to {_KEY_BYTES.stop - 1} random bytes",
            )
        self._seed = blake2b(key=key, digest_size=_DIGEST_BYTES, person=b"lockgate.finding")

    def of(self, value: str) -> str:
        """Return 32 hex digits; case, white space and the ways Unicode has to write one character do not count."""
        folded = "".join(unicodedata.normalize("NFKC", value).casefold().split())
        digest = self._seed.copy()
        digest.update(folded.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
