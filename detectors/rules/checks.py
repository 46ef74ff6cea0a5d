"""What vouches for an identifier: check digits, dates and registers, ours by name and python-stdnum's as `stdnum.MODULE`."""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from detectors.rules import wallets

Check = Callable[[str], bool]

_STDNUM = re.compile(r"stdnum(?:\.[a-z][a-z0-9_]*){1,2}")


def _digits(value: str) -> list[int]:
    return [int(character) for character in value if character.isdecimal()]


def _plain(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()


def weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    """Return the sum of digits times weights."""
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def is_date(year: int, month: int, day: int) -> bool:
    """Tell whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _is_short_date(year: int, month: int, day: int) -> bool:
    """Tell whether there is such a day in some century."""
    return is_date(1900 + year, month, day) or is_date(2000 + year, month, day)


def luhn(value: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = _digits(value)[::-1]
    return any(digits) and sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def _card(value: str) -> bool:
    """A length of ISO/IEC 7812 and its check digit; one digit repeated is a placeholder."""
    digits = _digits(value)
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(value)


def _icao(text: str, check: str) -> bool:
    """ICAO 9303-3, 4.9: weights 7, 3, 1; letters count from ten, the filler as zero."""
    total = sum((0 if c == "<" else int(c, 36)) * (7, 3, 1)[i % 3] for i, c in enumerate(text))
    return str(total % 10) == ("0" if check == "<" else check)


def _mrz(value: str) -> bool:
    """The lines of a travel document's machine-readable zone, by the check digits of each that has some."""
    for line in (line.strip() for line in value.upper().split("\n")):
        if len(line) == 44 and line[0] not in "PV":
            return _icao(line[:9], line[9]) and _icao(line[13:19], line[19]) and _icao(line[21:27], line[27])
        if len(line) == 36 and line[0] not in "IACPV":
            return _icao(line[:9], line[9]) and _icao(line[13:19], line[19])
        if len(line) == 30 and line[0] in "IAC":
            return _icao(line[5:14], line[14])
        if len(line) == 30 and line[0].isdigit():
            return _icao(line[:6], line[6]) and _icao(line[8:14], line[14])
    return value[:1] == "P" and value.count("<") >= 3


def _german_paper(value: str) -> bool:
    """German passports and identity cards since 2010: nine characters, the tenth their check digit where it stands."""
    plain = _plain(value)
    if not any(c.isdigit() for c in plain):
        return False
    return len(plain) == 9 or _icao(plain[:9], plain[9])


_GERMAN_WEIGHTS: Final = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def _german_pension(value: str) -> bool:
    """VKVV, annex 1: area, birth date, letter as two digits, serial; digit sums of the products modulo 10."""
    plain = _plain(value)
    day, month = int(plain[2:4]), int(plain[4:6])
    if not (1 <= (day - 50 if day > 50 else day) <= 31 and 1 <= month <= 12):
        return False
    digits = _digits(plain[:8] + f"{ord(plain[8]) - 64:02}" + plain[9:11])
    total = sum(sum(divmod(d * w, 10)) for d, w in zip(digits, _GERMAN_WEIGHTS, strict=True))
    return total % 10 == int(plain[11])


def _german_health(value: str) -> bool:
    """The unchanging part of a German health insurance number, SGB V section 290: letter as two digits, then modulo 10."""
    plain = _plain(value)
    digits = _digits(f"{ord(plain[0]) - 64:02}" + plain[1:9])
    return sum(sum(divmod(d * (1 + i % 2), 10)) for i, d in enumerate(digits)) % 10 == int(plain[9])


def _nino(value: str) -> bool:
    """HMRC NIM39110: prefixes that were never given."""
    return value[:2].upper() not in {"BG", "GB", "NK", "KN", "NT", "TN", "ZZ"}


def _dvla(value: str) -> bool:
    """A DVLA driver number: surname, decade, month (50 more for women), day, year."""
    plain = _plain(value)
    month, day = int(plain[6:8]), int(plain[8:10])
    return 1 <= (month - 50 if month > 50 else month) <= 12 and 1 <= day <= 31


def _npi(value: str) -> bool:
    """CMS: Luhn's check over the number behind the prefix 80840."""
    return luhn("80840" + value)


def _dea(value: str) -> bool:
    """21 CFR 1301: first, third and fifth digit plus twice the others end in the last."""
    digits = _digits(value)[-7:]
    return any(digits) and (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _aba(value: str) -> bool:
    """American Bankers Association: weights 3, 7, 1; the first two digits name a Federal Reserve district."""
    digits = _digits(value)
    district = digits[0] * 10 + digits[1]
    known = 1 <= district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80
    return known and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def _ssn(value: str) -> bool:
    """20 CFR 422.103: no group of zeros, no area 666 or from 900 on; numbers of advertisements left out."""
    plain = _plain(value)
    if plain in {"078051120", "219099999"} or len(set(plain)) == 1:
        return False
    return plain[:3] not in {"000", "666"} and plain[0] != "9" and plain[3:5] != "00" and plain[5:] != "0000"


def _medicare_au(value: str) -> bool:
    """Services Australia: weights 1, 3, 7, 9 over the first eight digits give the ninth."""
    digits = _digits(value)
    return weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == digits[8]


_NHI: Final = {letter: value for value, letter in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ", 1)}


def _nhi(value: str) -> bool:
    """HISO 10046: modulo 11 for numbers of the old form, modulo 23 with a letter for those of the new."""
    plain = _plain(value)
    total = sum((_NHI[c] if c.isalpha() else int(c)) * (7 - i) for i, c in enumerate(plain[:6]))
    if plain[6].isdigit():
        return total % 11 != 0 and (11 - total % 11) % 10 == int(plain[6])
    return (23 - total % 23) == _NHI[plain[6]]


def _nric_sg(value: str) -> bool:
    """Immigration & Checkpoints Authority: weights 2, 7, 6, 5, 4, 3, 2 and an offset and an alphabet by series."""
    plain = _plain(value)
    offset = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[plain[0]]
    rest = (offset + weighted(_digits(plain[1:8]), (2, 7, 6, 5, 4, 3, 2))) % 11
    alphabet = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "XWUTRQPNJLK"}.get(plain[0], "XWUTRQPNMLK")
    return alphabet[rest if plain[0] != "M" else 10 - rest] == plain[8]


def _hkid(value: str) -> bool:
    """Hong Kong Immigration Department: weights 9 to 2, letters from ten, a space as 36; modulo 11 with A for ten."""
    plain = _plain(value)
    letters, digits, check = plain[:-7], plain[-7:-1], plain[-1]
    values = [36] * (2 - len(letters)) + [int(c, 36) for c in letters] + [int(c) for c in digits]
    return (weighted(values, range(9, 1, -1)) + (10 if check == "A" else int(check))) % 11 == 0


_TAIWAN: Final = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))


def _taiwan_id(value: str) -> bool:
    """Taiwan's identity card and the resident certificate of the same form: weights 1, 9, 8, 7 to 1, 1."""
    plain = _plain(value)
    tens, ones = divmod(_TAIWAN[plain[0]], 10)
    return weighted((tens, ones, *map(int, plain[1:])), (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)) % 10 == 0


def _korean(value: str) -> bool:
    """A birth date and a century's digit; numbers given since October 2020 have no check digit."""
    digits = _plain(value)
    century = {"1": 1900, "2": 1900, "5": 1900, "6": 1900, "3": 2000, "4": 2000, "7": 2000, "8": 2000}.get(digits[6], 0)
    return bool(century) and is_date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


_CHINESE: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _chinese(value: str) -> bool:
    """GB 11643: province, birth date, and ISO 7064 mod 11, 2."""
    plain = _plain(value)
    if not 11 <= int(plain[:2]) <= 83 or not is_date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14])):
        return False
    return "10X98765432"[weighted(_digits(plain[:17]), _CHINESE) % 11] == plain[17]


def _vietnamese(value: str) -> bool:
    """Circular 59/2021/TT-BCA: province, sex with century, year."""
    plain = _plain(value)
    return len(plain) == 9 or (1 <= int(plain[:3]) <= 96 and plain[3] in "0123")


def _lankan(value: str) -> bool:
    """Sri Lanka: year and day of the year, 500 more for women."""
    plain = _plain(value)
    day = int(plain[2:5] if len(plain) == 10 else plain[4:7])
    year = 1900 + int(plain[:2]) if len(plain) == 10 else int(plain[:4])
    return 1 <= (day - 500 if day > 500 else day) <= 366 and 1900 <= year <= 2029


def _egyptian(value: str) -> bool:
    """Century, birth date, governorate; the last digit by weights 2 7 6 5 4 3 2 7 6 5 4 3 2, modulo 11."""
    digits = _digits(value)
    born = is_date(1700 + 100 * digits[0] + int(value[1:3]), int(value[3:5]), int(value[5:7]))
    return born and (1 <= int(value[7:9]) <= 35 or value[7:9] == "88")


def _emirati(value: str) -> bool:
    """Emirates ID: 784, year of birth, seven digits, Luhn's check."""
    return 1900 <= int(_plain(value)[3:7]) <= 2029 and luhn(value)


def _snils(value: str) -> bool:
    """SNILS: weights 9 to 1, modulo 101, 100 as 0."""
    digits = _digits(value)
    return any(digits[:9]) and weighted(digits[:9], range(9, 0, -1)) % 101 % 100 == digits[9] * 10 + digits[10]


def _russian_passport(value: str) -> bool:
    """Series (region and year of the form) and number."""
    digits = _plain(value)
    return digits[:2] != "00" and (int(digits[2:4]) <= 30 or int(digits[2:4]) >= 97) and digits[4:] != "000000"


def _cedula_uy(value: str) -> bool:
    """Uruguay: weights 2 9 8 7 6 3 4, modulo 10."""
    digits = _digits(value)
    digits = [0] * (8 - len(digits)) + digits
    return any(digits[:7]) and (10 - weighted(digits[:7], (2, 9, 8, 7, 6, 3, 4)) % 10) % 10 == digits[7]


def _luxembourgish(value: str) -> bool:
    """Matricule: birth date, serial, Luhn's digit over eleven and Verhoeff's over the same eleven."""
    from stdnum import verhoeff

    plain = _plain(value)
    if not is_date(int(plain[:4]), int(plain[4:6]), int(plain[6:8])):
        return False
    return luhn(plain[:12]) and bool(verhoeff.is_valid(plain[:11] + plain[12]))


def _hungarian_tax(value: str) -> bool:
    """Act CL of 2017: begins with 8; sum of digit times place, modulo 11, is the tenth."""
    digits = _digits(value)
    return weighted(digits[:9], range(1, 10)) % 11 == digits[9]


def _hungarian_taj(value: str) -> bool:
    """TAJ: odd places times 3, even places times 7, modulo 10, is the ninth."""
    digits = _digits(value)
    return any(digits) and weighted(digits[:8], (3, 7) * 4) % 10 == digits[8]


def _hungarian_personal(value: str) -> bool:
    """Személyi azonosító: a sex's digit, birth date, serial; weights 1 to 10 or 10 to 1, modulo 11, by year of birth."""
    digits = _digits(value)
    if not _is_short_date(digits[1] * 10 + digits[2], digits[3] * 10 + digits[4], digits[5] * 10 + digits[6]):
        return False
    up, down = weighted(digits[:10], range(1, 11)) % 11, weighted(digits[:10], range(10, 0, -1)) % 11
    return digits[10] in (up, down)


def _elfproef(value: str) -> bool:
    """The Dutch eleven test of old account numbers: weights 10 to 1."""
    digits = _digits(value)
    return any(digits) and weighted([0] * (10 - len(digits)) + digits, range(10, 0, -1)) % 11 == 0


def _belgian_account(value: str) -> bool:
    """Ten digits modulo 97, 0 as 97, are the last two."""
    digits = _plain(value)
    return (int(digits[:10]) % 97 or 97) == int(digits[10:])


_RIB: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")


def _rib(value: str) -> bool:
    """French RIB: bank, branch, account with letters as digits, key; weights 89, 15, 3 modulo 97."""
    plain = _plain(value).translate(_RIB)
    return (89 * int(plain[:5]) + 15 * int(plain[5:10]) + 3 * int(plain[10:21]) + int(plain[21:])) % 97 == 0


def _clabe(value: str) -> bool:
    """CLABE: weights 3, 7, 1 taken modulo 10 each, and their sum's complement."""
    digits = _digits(value)
    return (10 - sum(d * (3, 7, 1)[i % 3] % 10 for i, d in enumerate(digits[:17])) % 10) % 10 == digits[17]


_VIN_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_VALUES: Final = {str(digit): digit for digit in range(10)} | dict(
    zip(_VIN_LETTERS, (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _vin(value: str) -> bool:
    """ISO 3779 as North America uses it: the ninth character is the check digit of the others."""
    if value.isdigit() or value.isalpha():
        return False
    remainder = sum(_VIN_VALUES[c] * weight for c, weight in zip(value, _VIN_WEIGHTS, strict=True)) % 11
    return value[8] == ("X" if remainder == 10 else str(remainder))


def _spanish_social(value: str) -> bool:
    """Province and number modulo 97 are the last two digits; a short number counts as if it had eight digits."""
    digits = _plain(value)
    province, number, key = int(digits[:2]), int(digits[2:-2]), int(digits[-2:])
    return (number + province * (10_000_000 if number < 10_000_000 else 100_000_000)) % 97 == key


def _portuguese_social(value: str) -> bool:
    """NISS: the primes from 29 down to 2 as weights, modulo 10."""
    digits = _digits(value)
    return 9 - weighted(digits[:10], (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == digits[10]


def _polish(letters: Sequence[int], numbers: Sequence[int]) -> Check:
    """Polish papers: letters count from ten; the first digit is the check digit, modulo 10."""

    def check(value: str) -> bool:
        plain = _plain(value)
        count = len(letters)
        total = weighted([int(c, 36) for c in plain[:count]], letters)
        return (total + weighted(_digits(plain[count + 1 :]), numbers)) % 10 == int(plain[count])

    return check


def _polish_account(value: str) -> bool:
    """NRB: an IBAN without its country."""
    plain = _plain(value)
    return int(plain[2:] + "2521" + plain[:2]) % 97 == 1


def _hungarian_vat(value: str) -> bool:
    """The eight digits of a company: weights 9, 7, 3, 1, modulo 10."""
    digits = _digits(value)[:8]
    return any(digits) and weighted(digits, (9, 7, 3, 1) * 2) % 10 == 0


def _latvian(value: str) -> bool:
    """Numbers from 2017 on begin with 32 and say nothing; others are a birth date, a century and a check digit."""
    digits = _digits(value)
    if digits[:2] == [3, 2]:
        return True
    born = is_date(
        1800 + 100 * digits[6] + digits[4] * 10 + digits[5], digits[2] * 10 + digits[3], digits[0] * 10 + digits[1]
    )
    return born and (1 + weighted(digits[:10], (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10 == digits[10]


def _finnish_company(value: str) -> bool:
    """Y-tunnus: weights 7, 9, 10, 5, 8, 4, 2, modulo 11."""
    digits = _digits(value)
    rest = weighted(digits[:7], (7, 9, 10, 5, 8, 4, 2)) % 11
    return any(digits) and rest != 1 and (11 - rest) % 11 == digits[7]


def _brazilian_person(value: str) -> bool:
    """CPF: two check digits, modulo 11; one digit repeated is none."""
    digits = _digits(value)
    if len(set(digits)) == 1:
        return False
    return all(weighted(digits[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 == digits[n] for n in (9, 10))


def _brazilian_pis(value: str) -> bool:
    """PIS/PASEP: weights 3 2 9 8 7 6 5 4 3 2, modulo 11."""
    digits = _digits(value)
    rest = 11 - weighted(digits[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return any(digits) and (0 if rest > 9 else rest) == digits[10]


def _brazilian_health(value: str) -> bool:
    """CNS: weights 15 to 1, modulo 11."""
    digits = _digits(value)
    return any(digits) and weighted(digits, range(15, 0, -1)) % 11 == 0


_MEXICAN_STATES: Final = frozenset(
    re.findall("..", "ASBCBSCCCHCLCMCSDFDGGTGRHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS")
)


def _mexican_person(value: str) -> bool:
    """CURP: a birth date and the code of a state."""
    return _birth_first(value[4:10]) and value[11:13] in _MEXICAN_STATES


def _mixed(value: str) -> bool:
    """Letters and digits both."""
    return any(map(str.isalpha, value)) and any(map(str.isdigit, value))


def _varied(value: str) -> bool:
    """Digits that are not one digit repeated."""
    return len(set(_digits(value))) > 1


def _cyprus(value: str) -> bool:
    from stdnum.cy import vat

    return bool(vat.is_valid(_plain(value)))


def _turkish(value: str) -> bool:
    digits = _digits(value)
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def _venezuelan(value: str) -> bool:
    """A citizen's or foreigner's number: not zero."""
    return any(_digits(value))


def _birth_first(value: str) -> bool:
    """Six digits that begin the value are a date: year, month, day."""
    digits = _plain(value)
    return _is_short_date(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def _day_first(value: str) -> bool:
    """Six digits that begin the value are a date: day, month, year."""
    digits = _plain(value)
    return _is_short_date(int(digits[4:6]), int(digits[2:4]), int(digits[:2]))


def _bic(value: str) -> bool:
    """ISO 9362: the country of ISO 3166 stands in the middle."""
    return value[4:6] in _COUNTRIES


_COUNTRIES: Final = frozenset(
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDM"
        "DODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN"
        "KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPM"
        "PNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
        "VNVUWFWSXKYEYTZAZMZW",
    )
)

OWN: Final[Mapping[str, Check]] = {
    "luhn": luhn, "card": _card, "mrz": _mrz, "german_paper": _german_paper, "german_pension": _german_pension,
    "german_health": _german_health, "nino": _nino, "dvla": _dvla, "npi": _npi, "dea": _dea, "aba": _aba, "ssn": _ssn,
    "medicare_au": _medicare_au, "nhi": _nhi, "nric_sg": _nric_sg, "hkid": _hkid, "taiwan_id": _taiwan_id,
    "korean": _korean, "vietnamese": _vietnamese, "lankan": _lankan, "egyptian": _egyptian, "emirati": _emirati,
    "snils": _snils, "russian_passport": _russian_passport, "cedula_uy": _cedula_uy, "luxembourgish": _luxembourgish,
    "hungarian_tax": _hungarian_tax, "hungarian_taj": _hungarian_taj, "hungarian_personal": _hungarian_personal,
    "elfproef": _elfproef, "belgian_account": _belgian_account, "rib": _rib, "clabe": _clabe, "vin": _vin,
    "mixed": _mixed, "varied": _varied, "birth_first": _birth_first, "day_first": _day_first, "bic": _bic,
    "chinese": _chinese, "turkish": _turkish, "spanish_social": _spanish_social, "portuguese_social": _portuguese_social,
    "polish_card": _polish((7, 3, 1), (7, 3, 1, 7, 3)), "polish_passport": _polish((7, 3), (1, 7, 3, 1, 7, 3)),
    "polish_account": _polish_account, "hungarian_vat": _hungarian_vat, "latvian": _latvian,
    "finnish_company": _finnish_company, "brazilian_person": _brazilian_person, "brazilian_pis": _brazilian_pis,
    "brazilian_health": _brazilian_health, "mexican_person": _mexican_person, "cyprus": _cyprus,
    "base58check": wallets.base58check, "bech32": wallets.bech32, "ethereum": wallets.ethereum,
    "ripple": wallets.ripple, "base58": wallets.base58,
}  # fmt: skip


# What passes these may be anything of its length.
WEAK: Final = frozenset({"mixed", "varied", "ssn", "vietnamese", "russian_passport", "day_first", "birth_first", "bic"})


def find(name: str) -> Check | None:
    """Return a check by its name, or by several with `|` of which one must pass; None where one is unknown."""
    found = [_one(part) for part in name.split("|")]
    known = tuple(check for check in found if check is not None)
    if len(known) < len(found):
        return None

    def guarded(value: str) -> bool:
        return any(_passes(check, value) for check in known)

    return guarded


def _one(name: str) -> Check | None:
    if name in OWN:
        return OWN[name]
    if not _STDNUM.fullmatch(name):
        return None
    try:
        is_valid: Check = importlib.import_module(name).is_valid
    except (ImportError, AttributeError):
        return None

    def check(value: str) -> bool:
        return _passes(is_valid, value) or _passes(is_valid, _plain(value))

    return check


def _passes(check: Check, value: str) -> bool:
    """Tell whether a check passes; one that cannot read the value at all does not."""
    try:
        return check(value)
    except (ValueError, LookupError):
        return False
