"""The entities this detector may report, their categories, and what the model's labels become by their surroundings."""

import re
from typing import Final

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.context import Context
from detectors.finding import Category

# A number given to a person for health care is data concerning health: GDPR, recital 35.
_SPECIAL: Final = frozenset({"MEDICAL_ID", "UK_NHS", "AU_MEDICARE", "US_MBI", "US_NPI", "US_DEA"})


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
_HASH = re.compile(r"(?i)(?:0x)?[0-9a-f]{7,128}")
_VERSION = re.compile(r"[vV]?\d+(?:\.\d+){1,3}(?:[-+][\w.]+)?")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def entity_of(label: str, artifacts: Artifacts, start: int, end: int) -> str:
    """Return the entity of a model's span, or nothing where it cannot be one: a UUID is nobody's number."""
    value = artifacts.text[start:end]
    if not _LETTER_OR_DIGIT.search(value):
        return ""
    if label in _LABELS:
        if label == "PHONE" and sum(character.isdigit() for character in value) < 6:
            return ""
        return "" if label == "EMAIL" and "@" not in value and " at " not in value.lower() else _LABELS[label]
    if label == "DATE":
        return "DATE_OF_BIRTH" if artifacts.near(BIRTH, start, end) else "DATE_TIME"
    if _UUID.fullmatch(value) or _VERSION.fullmatch(value) or _is_hash(value):
        return ""
    if label == "FIN":
        if artifacts.near(IBAN, start, end):
            return "IBAN_CODE"
        return "CREDIT_CARD" if artifacts.near(CARD, start, end) else "BANK_ACCOUNT"
    for context, entity in _KINDS_OF_ID:
        if artifacts.near(context, start, end):
            return entity
    return "NATIONAL_ID"


def _is_hash(value: str) -> bool:
    """Tell a hexadecimal digest or commit from a number: it has letters and digits in lower case, and is long."""
    return bool(_HASH.fullmatch(value)) and len(value) >= 16 and not value.isdigit()


_KINDS_OF_ID: Final = (
    (PASSPORT, "PASSPORT"),
    (DRIVER, "DRIVER_LICENSE"),
    (MEDICAL, "MEDICAL_ID"),
    (TAX, "TAX_ID"),
    (VEHICLE, "VEHICLE_ID"),
)


MODEL_ENTITIES: Final = (
    *_LABELS.values(), "DATE_OF_BIRTH", "DATE_TIME", "IBAN_CODE", "CREDIT_CARD", "BANK_ACCOUNT", "NATIONAL_ID",
    *(entity for _, entity in _KINDS_OF_ID),
)  # fmt: skip
