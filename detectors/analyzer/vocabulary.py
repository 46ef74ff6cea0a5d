"""The entities this detector may report, their categories, and what the model's labels become by their surroundings."""

import re
from collections.abc import Callable
from typing import Final

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.context import Context
from detectors.finding import Category

# A number given to a person for health care is data concerning health: GDPR, recital 35.
_SPECIAL: Final = frozenset(
    [
        "NRP", "MEDICAL_CONDITION", "SEXUALITY", "MEDICAL_ID", "UK_NHS", "AU_MEDICARE", "US_MBI", "US_NPI", "US_DEA",
        "DE_HEALTH_INSURANCE",
    ]
)  # fmt: skip


type CategoryOf = Callable[[str], Category]


def category_of(entity: str) -> Category:
    """Return what an entity is to a policy."""
    if entity == "SECRET":
        return Category.SECRET
    return Category.SPECIAL if entity in _SPECIAL else Category.PERSONAL


_LABELS: Final = {
    "PER": "PERSON",
    "LOC": "LOCATION",
    "ORG": "ORG",
    "ADDR": "ADDRESS",
    "USER": "USERNAME",
    "PHONE": "PHONE_NUMBER",
    "EMAIL": "EMAIL_ADDRESS",
    "SECRET": "SECRET",
    "DOB": "DATE_OF_BIRTH",
    "AGE": "AGE",
    "TITLE": "TITLE",
    "NAT": "NRP",
    "REL": "NRP",
    "POL": "NRP",
    "MED": "MEDICAL_CONDITION",
    "SEX": "SEXUALITY",
}

BIRTH: Final = Context(
    "born", "birth", "dob", "d.o.b", "bday", "geboren", "geburt", "geb", "naissance", "née", "né le", "nacid",
    "nacimiento", "nascita", "nato il", "nata il", "nascimento", "nascid", "geboorte", "urodz", "född", "født", "fødsels",
)  # fmt: skip
MEDICAL: Final = Context(
    "patient", "medical", "mrn", "health", "hospital", "clinic", "medicare", "medicaid", "nhs", "insured"
)
PASSPORT: Final = Context(
    "passport", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort", "travel document"
)
DRIVER: Final = Context(
    "driver", "driving", "führerschein", "permis de conduire", "licencia de conducir", "patente", "rijbewijs",
    "dl number",
)  # fmt: skip
TAX: Final = Context(
    "tax", "vat", "tin", "ein", "itin", "steuer", "ust-id", "ustid", "fiscal", "siret", "siren", "partita iva", "gst"
)
VEHICLE: Final = Context("vin", "vehicle", "plate", "chassis", "kennzeichen", "immatriculation")
CARD: Final = Context("card", "visa", "mastercard", "amex", "cvv", "cvc", "karte", "carte", "tarjeta", "carta")
IBAN: Final = Context("iban")

_UUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DIGEST = re.compile(r"(?i)(?:0x)?[0-9a-f]{7,128}")
_SHORTEST_DIGEST: Final = 16
_VERSION = re.compile(r"[vV]?\d+(?:\.\d+){1,3}(?:[-+][\w.]+)?")
_DECIMAL = re.compile(r"\d+[.,]\d{5,}")
_WORD_END = re.compile(r"[0-9A-Za-z-]{1,128}")
_LONGEST: Final = 128
_LEAST_PHONE_DIGITS: Final = 6
_CODES: Final = frozenset({"ID", "FIN", "PHONE", "USER", "SECRET"})
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def entity_of(label: str, artifacts: Artifacts, start: int, end: int) -> str:
    """Return the entity of a model's span, or nothing where it cannot be one: a UUID is nobody's number."""
    value = artifacts.text[start:end]
    if not _LETTER_OR_DIGIT.search(value):
        return ""
    if label == "DATE":
        return "DATE_OF_BIRTH" if artifacts.near(BIRTH, start, end) else "DATE_TIME"
    if label in _CODES and _is_machine_s(artifacts.text, start, end):
        return ""
    if label == "PHONE" and sum(map(str.isdigit, value)) < _LEAST_PHONE_DIGITS:
        return ""
    if label == "EMAIL" and "@" not in value and " at " not in value.lower():
        return ""
    if label in _LABELS:
        return _LABELS[label]
    if label == "FIN":
        if artifacts.near(IBAN, start, end):
            return "IBAN_CODE"
        return "CREDIT_CARD" if artifacts.near(CARD, start, end) else "BANK_ACCOUNT"
    for context, entity in _KINDS_OF_ID:
        if artifacts.near(context, start, end):
            return entity
    return "NATIONAL_ID"


def _is_machine_s(text: str, start: int, end: int) -> bool:
    """Tell whether a span is, or is a part of, a UUID, a digest, a version or a decimal number."""
    word = _WORD_END.match(text[max(0, start - _LONGEST) : start][::-1])
    first = start - (len(word[0]) if word else 0)
    rest = _WORD_END.match(text, end)
    whole = text[first : rest.end() if rest else end]
    if _UUID.fullmatch(whole) or _VERSION.fullmatch(whole) or _DECIMAL.fullmatch(whole):
        return True
    return len(whole) >= _SHORTEST_DIGEST and bool(_DIGEST.fullmatch(whole)) and not whole.isdigit()


_KINDS_OF_ID: Final = (
    (PASSPORT, "PASSPORT"),
    (DRIVER, "DRIVER_LICENSE"),
    (MEDICAL, "MEDICAL_ID"),
    (TAX, "TAX_ID"),
    (VEHICLE, "VEHICLE_ID"),
)


MODEL_ENTITIES: Final = (
    *dict.fromkeys(_LABELS.values()), "DATE_TIME", "IBAN_CODE", "CREDIT_CARD", "BANK_ACCOUNT", "NATIONAL_ID",
    *(entity for _, entity in _KINDS_OF_ID),
)  # fmt: skip
