"""National numbers of people and companies: stock recognizers' checksums over shapes that match in linear time."""

from typing import Final

from presidio_analyzer import predefined_recognizers as stock

from detectors.analyzer.artifacts import DASHES, SPACES
from detectors.analyzer.context import Context
from detectors.analyzer.recognizer import Shaped
from detectors.analyzer.shapes import code, number

_NINE: Final = r"\d{3} \d{3} \d{3}|\d{9}"
_ITIN: Final = r"(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])"
_KOREAN: Final = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_NINO: Final = r"(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"
_MBI: Final = (
    r"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d\d"
)
_FISCAL_CODE: Final = r"[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPR-T][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]"


def americas() -> list[Shaped]:
    """Return the recognizers of the numbers of the Americas."""
    return [
        Shaped(
            "US_SSN",
            number(rf"\d{{3}}([{DASHES}])\d\d\1\d{{4}}", 0.7, 9),
            number(rf"\d{{3}}([{SPACES}.])\d\d\1\d{{4}}", 0.5, 9),
            number(r"\d{9}", 0.1, 9),
            stock=stock.UsSsnRecognizer(),
            context=Context("social security", "social_security", "socialsecurity", "ssn", "ssns", "soc sec", "ss#"),
        ),
        Shaped(
            "US_ITIN",
            number(rf"9\d\d[- ]{_ITIN}[- ]\d{{4}}", 0.6, 9),
            number(rf"9\d\d{_ITIN}\d{{4}}", 0.1, 9),
            stock=stock.UsItinRecognizer(),
            context=Context("itin", "individual taxpayer", "taxpayer id"),
        ),
        Shaped(
            "US_NPI",
            number(r"[12]\d{9}", 0.1, 10),
            stock=stock.UsNpiRecognizer(),
            context=Context("npi", "national provider"),
        ),
        Shaped("US_MBI", code(_MBI, 0.6), stock=stock.UsMbiRecognizer()),
        Shaped(
            "US_DEA",
            code(r"[A-HJ-MPRSTUX][A-Z9]\d{7}", 0.45),
            stock=stock.MedicalLicenseRecognizer(),
            context=Context("dea", "prescri", "medical", "license"),
        ),
    ]


def asia_and_australia() -> list[Shaped]:
    """Return the recognizers of the numbers of Asia and Australia."""
    return [
        Shaped(
            "AU_ABN",
            number(r"\d\d \d{3} \d{3} \d{3}", 0.6, 11),
            number(r"\d{11}", 0.1, 11),
            stock=stock.AuAbnRecognizer(),
        ),
        Shaped("AU_ACN", number(_NINE, 0.1, 9), stock=stock.AuAcnRecognizer()),
        Shaped("AU_TFN", number(_NINE, 0.1, 9), stock=stock.AuTfnRecognizer()),
        Shaped(
            "AU_MEDICARE",
            number(r"[2-6]\d{3} \d{5} \d", 0.5, 10),
            number(r"[2-6]\d{9}", 0.1, 10),
            stock=stock.AuMedicareRecognizer(),
        ),
        Shaped(
            "IN_AADHAAR",
            number(r"[2-9]\d{3}([- ])\d{4}\1\d{4}", 0.45, 12),
            number(r"[2-9]\d{11}", 0.1, 12),
            stock=stock.InAadhaarRecognizer(),
            context=Context("aadhaar", "aadhar", "uidai", "uid"),
        ),
        Shaped(
            "IN_PAN", code(r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", 0.6), context=Context("pan", "permanent account")
        ),
        Shaped(
            "IN_GSTIN",
            code(r"(?:0[1-9]|[1-3]\d)[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]", 0.8),
            stock=stock.InGstinRecognizer(),
        ),
        Shaped("SG_NRIC_FIN", code(r"[STFGM]\d{7}[A-Z]", 0.5), stock=stock.SgFinRecognizer()),
        Shaped(
            "KR_RRN",
            number(rf"{_KOREAN}-[1-4]\d{{6}}", 0.7, 13),
            number(rf"{_KOREAN}[1-4]\d{{6}}", 0.1, 13),
            stock=stock.KrRrnRecognizer(),
        ),
        Shaped(
            "TH_TNIN",
            number(r"[1-9]-\d{4}-\d{5}-\d\d-\d", 0.7, 13),
            number(r"[1-9]\d{12}", 0.1, 13),
            stock=stock.ThTninRecognizer(),
        ),
    ]


def europe() -> list[Shaped]:
    """Return the recognizers of the numbers of Europe."""
    return [
        Shaped(
            "UK_NHS",
            number(r"\d{3} \d{3} \d{4}", 0.45, 10),
            number(r"\d{3}-?\d{3}-?\d{4}", 0.1, 10),
            stock=stock.NhsRecognizer(),
            context=Context("nhs", "national health", "health service"),
        ),
        Shaped(
            "UK_NINO",
            code(_NINO, 0.7),
            code(f"(?i:{_NINO})", 0.1),
            context=Context("national insurance", "ni number", "ni no", "nino", "insurance number"),
        ),
        Shaped(
            "ES_NIF",
            code(r"\d{8}-?[A-Z]", 0.6),
            code(r"\d{7}-?[A-Z]", 0.1),
            stock=stock.EsNifRecognizer(),
            context=Context("dni", "nif", "identidad"),
        ),
        Shaped("ES_NIE", code(r"[XYZ]\d{7}-?[A-Z]", 0.7), stock=stock.EsNieRecognizer()),
        Shaped("IT_FISCAL_CODE", code(f"(?i:{_FISCAL_CODE})", 0.9), stock=stock.ItFiscalCodeRecognizer()),
        Shaped(
            "PL_PESEL",
            number(r"\d\d(?:[02468][1-9]|[13579][012])(?:0[1-9]|[12]\d|3[01])\d{5}", 0.45, 11),
            stock=stock.PlPeselRecognizer(),
            context=Context("pesel"),
        ),
        Shaped(
            "FI_PERSONAL_IDENTITY_CODE",
            code(r"\d{6}[-+A-FYXWVU]\d{3}[0-9A-FHJ-NPR-Y]", 0.8),
            stock=stock.FiPersonalIdentityCodeRecognizer(),
        ),
    ]
