"""Numbers of cards, accounts, papers and vehicles: checksums and context words over shapes of linear time."""

from collections.abc import Iterator
from typing import Final

from presidio_analyzer import predefined_recognizers as stock

from detectors.analyzer.artifacts import DASHES, PLAIN, SPACES, Artifacts
from detectors.analyzer.context import Context
from detectors.analyzer.recognizer import Result, Shaped
from detectors.analyzer.shapes import code, everywhere, number
from detectors.analyzer.vocabulary import DRIVER, PASSPORT, TAX, VEHICLE

_S: Final = rf"[{SPACES}{DASHES}.]"
_CARD: Final = (
    rf"(?:4\d{{3}}|5[1-5]\d\d|2[2-7]\d\d|6\d{{3}}|35\d\d)({_S}?)\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?"
    rf"|3[47]\d\d({_S}?)\d{{6}}\2\d{{5}}|3[0689]\d\d({_S}?)\d{{6}}\3\d{{4}}|4\d{{12}}"
)
_VIN_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_VALUES: Final = {str(digit): digit for digit in range(10)} | dict(
    zip(_VIN_LETTERS, (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


_PASSPORT: Final = r"[A-Z]{1,2}\d{6,8}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}|\d{9}|\d{2}[A-Z]{2}\d{5}"
_DRIVER: Final = r"[A-Z]{0,3}-?\d{3,4}-?\d{3,5}(?:-?\d{1,5}){0,2}[A-Z]{0,2}|[A-Z9]{5}\d{6}[A-Z9]{2}\d?[A-Z]{2}"
_TAX: Final = r"[A-Z]{2} ?[0-9]{2}(?:[ .]?[0-9A-Z]{2,4}){2,4}|\d{2}-\d{7}|\d{2,3}/\d{3}/\d{5}|\d{11}"
_ACCOUNT: Final = Context(
    "account number", "account no", "account #", "account_number", "account:", "accountnumber", "acct", "bank account",
    "a/c", "kontonummer", "konto-nr", "checking account", "savings account", "numéro de compte", "número de cuenta",
)  # fmt: skip
_PATIENT: Final = Context(
    "mrn", "medical record", "patient id", "patient no", "patient number", "patient_id", "patientid",
    "health insurance", "insurance id", "member id",
)  # fmt: skip


class Iban(Shaped):
    """The stock recognizer's checksum and country formats; what follows an IBAN in groups of four is not part of it."""

    def __init__(self) -> None:
        self._iban = stock.IbanRecognizer(exact_match=True)
        self._shape = code(rf"[A-Za-z]{{2}}\d{{2}}(?:[{SPACES}{DASHES}]?[A-Za-z0-9]{{1,4}}){{3,8}}", 1.0)
        super().__init__("IBAN_CODE", self._shape, name="IbanRecognizer")

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield the longest beginning of each candidate that its checksum vouches for."""
        for start, end in (
            self.index.places(artifacts, self._shape) if self.index else everywhere(artifacts, self._shape)
        ):
            value = artifacts.text[start:end].translate(PLAIN)
            ends = [end - start, *(place for place in range(len(value) - 1, 14, -1) if value[place] in " -")]
            for length in ends:
                if self._iban.validate_result(value[:length].upper()):
                    yield self.result("IBAN_CODE", start, start + length, 1.0, validated=True)
                    break


def payment() -> list[Shaped]:
    """Return the recognizers of cards, accounts and wallets."""
    return [
        Shaped("CREDIT_CARD", number(_CARD, 1.0, 13), stock=stock.CreditCardRecognizer()),
        Iban(),
        Shaped("CRYPTO", code(r"(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,59}", 1.0), stock=stock.CryptoRecognizer()),
        Shaped("CRYPTO", code(r"0x[0-9a-fA-F]{40}", 0.6), name="EthereumRecognizer"),
        Shaped(
            "US_ABA_ROUTING",
            number(r"[0123678]\d{8}", 0.1, 9),
            stock=stock.AbaRoutingRecognizer(),
            context=Context("aba", "routing", "rtn"),
        ),
        Shaped("BANK_ACCOUNT", number(rf"\d(?:{_S}?\d){{6,16}}", 0.1, 7), context=_ACCOUNT),
    ]


def documents() -> list[Shaped]:
    """Return the recognizers of papers whose number says nothing without a word near it that names the paper."""
    return [
        Shaped("PASSPORT", code(_PASSPORT, 0.1), context=PASSPORT),
        Shaped("DRIVER_LICENSE", code(_DRIVER, 0.1), context=DRIVER),
        Shaped("MEDICAL_ID", code(r"[A-Z]{0,4}-?\d{5,12}", 0.1), context=_PATIENT),
        Shaped("TAX_ID", code(_TAX, 0.1), context=TAX),
        Shaped("VIN", code(r"[A-HJ-NPR-Z0-9]{17}", 0.6), check=_is_vin, context=VEHICLE),
    ]


def _is_vin(value: str) -> bool:
    """Tell whether the ninth character is the check digit of the others (ISO 3779 as North America uses it)."""
    if value.isdigit() or value.isalpha():
        return False
    remainder = sum(_VIN_VALUES[c] * weight for c, weight in zip(value, _VIN_WEIGHTS, strict=True)) % 11
    return value[8] == ("X" if remainder == 10 else str(remainder))
