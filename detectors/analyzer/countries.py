"""National numbers of people and companies: stock recognizers' checksums over shapes that match in linear time."""

from typing import Final

from presidio_analyzer import predefined_recognizers as stock

from detectors.analyzer import checksums
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
            "FI_PERSONAL_IDENTITY_CODE",
            code(r"\d{6}[-+A-FYXWVU]\d{3}[0-9A-FHJ-NPR-Y]", 0.8),
            stock=stock.FiPersonalIdentityCodeRecognizer(),
        ),
    ]


def unknown_to_presidio() -> list[Shaped]:
    """Return the recognizers of numbers whose check digits Presidio does not know, or gets wrong."""
    day = r"(?:0[1-9]|[12]\d|3[01])"
    return [
        Shaped(
            "PL_PESEL",
            number(rf"\d\d(?:[02468][1-9]|[13579][012]){day}\d{{5}}", 0.45, 11),
            check=checksums.pesel,
            context=Context("pesel"),
        ),
        Shaped(
            "FR_NIR",
            number(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d\d ?\d{3} ?\d{3} ?\d\d", 0.8, 15),
            code(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?2[AB] ?\d{3} ?\d{3} ?\d\d", 0.8),
            check=checksums.nir,
            context=Context("sécurité sociale", "nir", "insee"),
        ),
        Shaped(
            "DE_TAX_ID",
            number(r"[1-9]\d( ?)\d{3}\1\d{3}\1\d{3}", 0.2, 11),
            check=checksums.steuer_id,
            context=Context("steuer", "tax id", "idnr", "steuer-id", "tin"),
        ),
        Shaped(
            "NL_BSN",
            number(r"\d{9}|\d{4}[ .]\d\d[ .]\d{3}", 0.1, 9),
            check=checksums.bsn,
            context=Context("bsn", "burgerservicenummer", "sofinummer", "citizen service"),
        ),
        Shaped("BE_NRN", number(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", 0.9, 11), check=checksums.nrn),
        Shaped("CH_AHV", number(r"756\.?\d{4}\.?\d{4}\.?\d\d", 0.8, 13), check=checksums.ean13),
        Shaped("SE_PERSONNUMMER", number(r"(?:19|20)?\d{6}[-+]\d{4}", 0.6, 10), check=checksums.personnummer),
        Shaped(
            "NO_FODSELSNUMMER",
            number(rf"{day}[0-5]\d\d\d ?\d{{5}}", 0.45, 11),
            check=checksums.fodselsnummer,
            context=Context("fødselsnummer", "fodselsnummer", "personnummer"),
        ),
        Shaped(
            "RO_CNP",
            number(rf"[1-8]\d\d(?:0[1-9]|1[0-2]){day}\d{{6}}", 0.45, 13),
            check=checksums.cnp,
            context=Context("cnp"),
        ),
        Shaped("IE_PPSN", code(r"\d{7}[A-W][A-IW]?", 0.5), check=checksums.ppsn, context=Context("pps", "ppsn")),
        Shaped(
            "BR_CPF",
            number(r"\d{3}\.\d{3}\.\d{3}-\d\d", 0.9, 11),
            number(r"\d{11}", 0.1, 11),
            check=checksums.cpf,
            context=Context("cpf"),
        ),
        Shaped("BR_CNPJ", number(r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", 0.9, 14), check=checksums.cnpj),
        Shaped(
            "CL_RUT", code(r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", 0.8), check=checksums.rut, context=Context("rut", "run")
        ),
        Shaped(
            "CA_SIN",
            number(r"[1-79]\d\d([ -])\d{3}\1\d{3}", 0.45, 9),
            number(r"[1-79]\d{8}", 0.1, 9),
            check=checksums.luhn,
            context=Context("sin", "social insurance"),
        ),
        Shaped("CN_ID", code(r"[1-8]\d{5}(?:19|20)\d{9}[\dXx]", 0.9), check=checksums.chinese_id),
        Shaped(
            "TR_TCKN",
            number(r"[1-9]\d{10}", 0.2, 11),
            check=checksums.turkish_id,
            context=Context("tckn", "kimlik", "t.c."),
        ),
        Shaped(
            "ZA_ID",
            number(rf"\d\d(?:0[1-9]|1[0-2]){day}\d{{4}}[01][89]\d", 0.5, 13),
            check=checksums.luhn,
            context=Context("south africa", "rsa id", "identity number", "id number"),
        ),
        Shaped("MX_CURP", code(rf"[A-Z][AEIOUX][A-Z]{{2}}\d\d(?:0[1-9]|1[0-2]){day}[HMX][A-Z]{{5}}[0-9A-Z]\d", 0.8)),
    ]
