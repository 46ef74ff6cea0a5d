"""Each sentence gives its entity at its place; innocent text gives nothing that a policy would act on."""

import re

import pytest
from analyzer_sentences import INNOCENT, MODEL, PATTERNS

from detectors.finding import Finding, Kind, Role, Segment
from detectors.fingerprint import Fingerprinter
from detectors.overlap import resolved

KEY = bytes(range(32))


def _found(detector, text: str) -> list[Finding]:
    scan = detector.scan([Segment("s", Role.USER, Kind.PROSE, text)])
    assert not scan.skipped
    return list(resolved(scan.findings, text, Fingerprinter(KEY).of))


def _plain(marked: str) -> tuple[str, int, int]:
    start = marked.index("«")
    return re.sub("[«»]", "", marked), start, marked.index("»") - 1


def _ids(cases) -> list[str]:
    return [f"{entity}-{number}" for number, (entity, _) in enumerate(cases)]


@pytest.mark.parametrize(("entity", "marked"), PATTERNS, ids=_ids(PATTERNS))
@pytest.mark.parametrize("which", ["answers", "requests"])
def test_a_value_is_found_at_its_place(analyzers, which, entity, marked):
    text, start, end = _plain(marked)
    found = [(f.entity, f.start, f.end) for f in _found(getattr(analyzers, which), text)]
    assert (entity, start, end) in found


@pytest.mark.parametrize(("entity", "marked"), MODEL, ids=_ids(MODEL))
def test_the_model_finds_what_no_pattern_can(analyzers, entity, marked):
    text, start, end = _plain(marked)
    assert (entity, start, end) in [(f.entity, f.start, f.end) for f in _found(analyzers.requests, text)]
    assert entity == "DATE_OF_BIRTH" or entity not in [f.entity for f in _found(analyzers.answers, text)]


@pytest.mark.parametrize("number", range(len(INNOCENT)))
def test_innocent_text_gives_nothing(analyzers, number):
    assert _found(analyzers.answers, INNOCENT[number]) == []


@pytest.mark.parametrize("number", range(len(INNOCENT)))
def test_the_model_takes_no_number_of_innocent_text_for_a_person_s(analyzers, number):
    found = {f.entity for f in _found(analyzers.requests, INNOCENT[number])}
    assert found <= {"DATE_TIME", "ORG", "URL"}


def test_every_entity_is_in_the_vocabulary_with_the_same_category(analyzers):
    from pathlib import Path

    import yaml

    from detectors.analyzer.vocabulary import category_of

    known = yaml.safe_load((Path(__file__).parents[3] / "rules" / "entities.yaml").read_text())
    for detector in (analyzers.requests, analyzers.answers):
        for entity in detector.entities:
            assert known[entity]["category"] == category_of(entity).value


@pytest.mark.parametrize(
    ("text", "wins", "loses"),
    [
        ("reach me: +44 20 7946 0958", "PHONE_NUMBER", "DATE_TIME"),
        ("SSN 536-22-8726", "US_SSN", "NATIONAL_ID"),
        ("card 4111 1111 1111 1111", "CREDIT_CARD", "BANK_ACCOUNT"),
    ],
)
def test_a_type_with_a_reason_wins_over_the_model_s_score(analyzers, text, wins, loses):
    entities = [f.entity for f in _found(analyzers.requests, text)]
    assert wins in entities
    assert loses not in entities
