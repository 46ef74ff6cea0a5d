"""Made-up values for examples: `{{hex:32}}` becomes 32 hexadecimal digits, so that no file holds a key in one piece."""

import base64
import json
import re
import string
import zlib
from collections.abc import Callable
from hashlib import blake2b

from detectors.errors import Error

_PLACE = re.compile(r"\{\{([a-z][a-z0-9_]{0,20}):([^{}\n]{1,80})\}\}")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ALPHABETS = {
    "hex": "0123456789abcdef",
    "upperhex": "0123456789ABCDEF",
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "lowernum": string.ascii_lowercase + string.digits,
    "uppernum": string.ascii_uppercase + string.digits,
    "alnum": _BASE62,
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}


def base62(number: int, width: int) -> str:
    """Return a number in base 62, digits first, padded to a width."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(width, "0")


def _drawn(alphabet: str, length: int, seed: str) -> str:
    stream = b""
    block = 0
    while len(stream) < 2 * length:
        stream += blake2b(f"{seed}/{block}".encode()).digest()
        block += 1
    return "".join(alphabet[int.from_bytes(stream[2 * i : 2 * i + 2]) % len(alphabet)] for i in range(length))


def _checksummed(prefix: str, seed: str) -> str:
    body = _drawn(_BASE62, 30, seed)
    return prefix + body + base62(zlib.crc32(body.encode()), 6)


def _jwt(subject: str, seed: str) -> str:
    def part(value: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join(
        (part({"alg": "HS256", "typ": "JWT"}), part({"sub": subject}), _drawn(_ALPHABETS["base64url"], 43, seed))
    )


def _pem(label: str, seed: str) -> str:
    body = "MII" + _drawn(_ALPHABETS["base64"], 253, seed)
    lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----"


def _pem_literal(label: str, seed: str) -> str:
    return _pem(label, seed).replace("\n", "\\n")


def _encoded_json(pairs: str, seed: str) -> str:
    value = dict(pair.partition("=")[::2] for pair in pairs.split(","))
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def _encoded(text: str, seed: str) -> str:
    return base64.b64encode(text.encode()).decode()


_MAKERS: dict[str, Callable[[str, str], str]] = {
    "github": _checksummed,
    "jwt": _jwt,
    "pem": _pem,
    "pem_literal": _pem_literal,
    "encode": _encoded,
    "encode_json": _encoded_json,
}


def expanded(text: str) -> str:
    """Return an example with its `{{kind:argument}}` places filled, always alike; raise Error for an unknown kind.

    The n-th place of one kind and argument gets the n-th value, so an expected value may name the same place again.
    """
    seen: dict[str, int] = {}

    def value(place: re.Match[str]) -> str:
        kind, argument = place[1], place[2]
        key = f"{kind}:{argument}"
        seen[key] = seen.get(key, 0) + 1
        seed = f"{key}#{seen[key]}"
        if kind in _MAKERS:
            return _MAKERS[kind](argument, seed)
        if kind in _ALPHABETS and argument.isdecimal() and 0 < int(argument) <= 4096:
            return _drawn(_ALPHABETS[kind], int(argument), seed)
        known = ", ".join(sorted((*_ALPHABETS, *_MAKERS)))
        raise Error(f"an example has no such place as {kind}:{argument}", hint=f"known kinds: {known}")

    return _PLACE.sub(value, text)
