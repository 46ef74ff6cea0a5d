"""What a company does not want reported is left out, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from detectors.errors import Error
from detectors.finding import Category, Finding, Kind, Role, Scan, Segment
from detectors.rules.entities import load_entities
from detectors.scanner import Scanner
from detectors.sieve import sieve

VOCABULARY = load_entities(Path(__file__).parents[2] / "rules" / "entities.yaml")
FOUND = Finding("r", 6, 22, "PERSON", Category.PERSONAL, 0.6, "model", "m", "f")
TEXT = "Hello Help  Desk Team today"


def test_low_score_goes_and_a_high_one_stays() -> None:
    wanted = sieve({"PERSON": 0.7}, (), VOCABULARY)
    sure, other = replace(FOUND, score=0.7), replace(FOUND, entity="ORG")
    assert wanted.kept([FOUND, sure, other], TEXT) == [sure, other]


def test_threshold_of_a_wide_entity_holds_for_its_kinds_unless_they_have_their_own() -> None:
    wanted = sieve({"NATIONAL_ID": 0.9, "US_SSN": 0.1}, (), VOCABULARY)
    ssn, nino = replace(FOUND, entity="US_SSN"), replace(FOUND, entity="UK_NINO")
    assert wanted.kept([ssn, nino], TEXT) == [ssn]


@pytest.mark.parametrize("written", ["Help Desk Team", " help   desk TEAM", "HELP DESK TEAM"])
def test_allowed_value_is_not_reported_however_it_is_spaced_and_cased(written: str) -> None:
    found = replace(FOUND, start=6, end=21)
    assert sieve({}, [written], VOCABULARY).kept([found], TEXT) == []


def test_value_that_only_holds_an_allowed_one_is_reported() -> None:
    assert sieve({}, ["Help Desk"], VOCABULARY).kept([FOUND], TEXT) == [FOUND]


def test_empty_allowed_value_allows_nothing() -> None:
    blank = replace(FOUND, start=10, end=12)
    assert sieve({}, ["", "  "], VOCABULARY).kept([blank], TEXT) == [blank]


def test_tag_and_hazard_always_pass() -> None:
    tag = replace(FOUND, category=Category.TAG, entity="TAG", score=0.1)
    assert sieve({"PERSON": 1.0}, [TEXT[6:22]], VOCABULARY).kept([tag], TEXT) == [tag]


@pytest.mark.parametrize("name", ["PERSONN", "TAG", "EXFIL_LINK"])
def test_threshold_of_what_takes_none_is_refused(name: str) -> None:
    with pytest.raises(Error, match=name):
        sieve({name: 0.5}, (), VOCABULARY)


def test_scanner_reports_what_a_dropped_finding_would_have_hidden() -> None:
    class Two:
        name = "two"

        def scan(self, segments: tuple[Segment, ...]) -> Scan:
            weak = Finding("0", 0, 20, "PERSON", Category.PERSONAL, 0.5, "model", "m", "f")
            strong = Finding("0", 5, 10, "ORG", Category.PERSONAL, 0.5, "model", "m", "f")
            return Scan((weak, strong))

    scanner = Scanner(
        [Two()], key=bytes(32), timeout=5, threads=1, cache=0, sieve=sieve({"PERSON": 0.9}, (), VOCABULARY)
    )
    scan = scanner.scan_now((Segment("x", Role.USER, Kind.PROSE, "a" * 30),))
    scanner.close()
    assert [(found.entity, found.start) for found in scan.findings] == [("ORG", 5)]
