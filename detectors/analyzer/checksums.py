"""Check digits of national numbers for which Presidio has no recognizer, or a wrong one; values come without separators."""

from collections.abc import Sequence
from datetime import date
from typing import Final


def digits_of(value: str) -> list[int]:
    """Return the digits of a value, its separators and letters left out."""
    return [int(character) for character in value if character.isdigit()]


def _weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(value: str) -> bool:
    """Tell whether a value passes ISO/IEC 7812-1's check."""
    digits = digits_of(value)[::-1]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def pesel(value: str) -> bool:
    """Tell whether a Polish PESEL is sound; Presidio compares the sum where its complement belongs."""
    digits = digits_of(value)
    return (10 - _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == digits[10]


def nir(value: str) -> bool:
    """Tell whether a French social security number's key is right (97 less the remainder)."""
    plain = "".join(filter(str.isalnum, value.upper())).replace("2A", "19").replace("2B", "18")
    return plain.isdigit() and len(plain) == 15 and 97 - int(plain[:13]) % 97 == int(plain[13:])


def steuer_id(value: str) -> bool:
    """Tell whether a German tax number is sound (ISO 7064 mod 11, 10; one digit stands two or three times)."""
    digits = digits_of(value)
    if len({*digits[:10]}) not in (8, 9) or digits[0] == 0:
        return False
    product = 10
    for digit in digits[:10]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == digits[10]


def bsn(value: str) -> bool:
    """Tell whether a Dutch citizen service number passes the eleven test."""
    digits = digits_of(value)
    return any(digits) and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def nrn(value: str) -> bool:
    """Tell whether a Belgian national register number is sound, born before or after 2000."""
    plain = "".join(filter(str.isdigit, value))
    body, check = plain[:9], int(plain[9:])
    return check in (97 - int(body) % 97, 97 - int("2" + body) % 97)


def ean13(value: str) -> bool:
    """Tell whether thirteen digits pass the check of an EAN-13, as the Swiss AHV number does."""
    return _weighted(digits_of(value), (1, 3) * 6 + (1,)) % 10 == 0


def cpf(value: str) -> bool:
    """Tell whether a Brazilian CPF's two check digits are right."""
    digits = digits_of(value)
    if len(set(digits)) == 1:
        return False
    return all(_weighted(digits[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 == digits[n] for n in (9, 10))


def cnpj(value: str) -> bool:
    """Tell whether a Brazilian CNPJ's two check digits are right."""
    digits = digits_of(value)
    if len(set(digits)) == 1:
        return False
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return all(
        (0 if (rest := _weighted(digits[:n], weights[13 - n :]) % 11) < 2 else 11 - rest) == digits[n] for n in (12, 13)
    )


_CHINESE: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def chinese_id(value: str) -> bool:
    """Tell whether a Chinese resident number has a date and its check character (ISO 7064 mod 11, 2)."""
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return "10X98765432"[_weighted(digits_of(value[:17]), _CHINESE) % 11] == value[17].upper()


def turkish_id(value: str) -> bool:
    """Tell whether a Turkish identity number's two check digits are right."""
    digits = digits_of(value)
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def personnummer(value: str) -> bool:
    """Tell whether a Swedish number's last ten digits pass Luhn's check and begin with a date."""
    digits = digits_of(value)[-10:]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    return 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= 31 and luhn("".join(map(str, digits)))


def fodselsnummer(value: str) -> bool:
    """Tell whether a Norwegian birth number's two check digits are right."""
    digits = digits_of(value)
    first = (11 - _weighted(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11) % 11
    second = (11 - _weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return [first, second] == digits[9:]


def cnp(value: str) -> bool:
    """Tell whether a Romanian CNP's check digit is right."""
    digits = digits_of(value)
    return _weighted(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11 % 10 == digits[12]


def rut(value: str) -> bool:
    """Tell whether a Chilean RUT's check character is right."""
    plain = "".join(filter(str.isalnum, value.upper()))
    rest = 11 - sum(int(d) * (2 + i % 6) for i, d in enumerate(reversed(plain[:-1]))) % 11
    return plain[-1] == {11: "0", 10: "K"}.get(rest, str(rest))


def ppsn(value: str) -> bool:
    """Tell whether an Irish PPS number's check letter is right."""
    total = _weighted(digits_of(value[:7]), (8, 7, 6, 5, 4, 3, 2))
    if len(value) == 9 and value[8] != "W":
        total += 9 * (ord(value[8]) - 64)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == value[7]
