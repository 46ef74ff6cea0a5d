"""Addresses of wallets: base 58 and bech32 with their checks, Ethereum's capitals (EIP-55)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

_BITCOIN: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CONSTANTS: Final = (1, 0x2BC830A3)  # BIP 173 and BIP 350
_MASK: Final = (1 << 64) - 1


def base58check(value: str) -> bool:
    """Tell whether the last four bytes are the double SHA-256 of the others, as in Bitcoin, Litecoin and Dogecoin."""
    return _checked(value, _BITCOIN)


def ripple(value: str) -> bool:
    """Tell the same in the alphabet of the XRP ledger."""
    return _checked(value, _RIPPLE)


def base58(value: str) -> bool:
    """Tell whether 32 bytes are written in base 58, in capitals and small letters and digits, as Solana does."""
    kinds = any(map(str.isupper, value)) and any(map(str.islower, value)) and any(map(str.isdigit, value))
    return kinds and _number(value, _BITCOIN).bit_length() <= 256


def _number(value: str, alphabet: str) -> int:
    number = 0
    for character in value:
        number = number * 58 + alphabet.index(character)
    return number


def _checked(value: str, alphabet: str) -> bool:
    if any(character not in alphabet for character in value):
        return False
    number = _number(value, alphabet)
    if number.bit_length() > 25 * 8:
        return False
    data = number.to_bytes(25, "big")
    return sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def bech32(value: str) -> bool:
    """Tell whether an address passes the check of BIP 173 or BIP 350."""
    small = value.lower()
    if value not in (small, value.upper()):
        return False
    prefix, _, data = small.rpartition("1")
    if len(data) < 6 or any(character not in _BECH32 for character in data):
        return False
    high, low = [ord(c) >> 5 for c in prefix], [ord(c) & 31 for c in prefix]
    return _polymod([*high, 0, *low, *map(_BECH32.index, data)]) in _CONSTANTS


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= generator
    return check


def ethereum(value: str) -> bool:
    """Tell whether the capitals of an address are those of EIP-55; one in capitals or small letters alone has none."""
    digits = value[2:]
    small = digits.lower()
    if len(set(small)) < 4:
        return False
    if digits in (small, digits.upper()):
        return True
    digest = _keccak256(small.encode()).hex()
    return all(c == (c.upper() if int(h, 16) >= 8 else c.lower()) for c, h in zip(digits, digest, strict=False))


def _rotated(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK if by else value


def _keccak256(data: bytes) -> bytes:
    """Return Keccak-256 of less than 136 bytes, with the padding it had before SHA-3 became a standard."""
    block = bytearray(data.ljust(136, b"\0"))
    block[len(data)] ^= 0x01
    block[135] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for index in range(17):
        lanes[index % 5][index // 5] = int.from_bytes(block[8 * index : 8 * index + 8], "little")
    register = 1
    for _ in range(24):
        lanes, register = _round(lanes, register)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def _round(lanes: list[list[int]], register: int) -> tuple[list[list[int]], int]:
    columns = [row[0] ^ row[1] ^ row[2] ^ row[3] ^ row[4] for row in lanes]
    mixed = [columns[(x + 4) % 5] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
    lanes = [[lanes[x][y] ^ mixed[x] for y in range(5)] for x in range(5)]
    x, y, current = 1, 0, lanes[1][0]
    for turn in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        current, lanes[x][y] = lanes[x][y], _rotated(current, (turn + 1) * (turn + 2) // 2 % 64)
    for y in range(5):
        row = [lanes[x][y] for x in range(5)]
        for x in range(5):
            lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
    for bit in range(7):
        register = ((register << 1) ^ ((register >> 7) * 0x71)) % 256
        if register & 2:
            lanes[0][0] ^= 1 << ((1 << bit) - 1)
    return lanes, register
