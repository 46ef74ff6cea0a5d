"""A company's own recognizers, in Presidio's format: found, bounded, and refused where the file is wrong."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from detectors.analyzer import own
from detectors.build import build
from detectors.errors import Error
from detectors.finding import Category, Finding, Kind, Role, Segment, SkipReason
from detectors.fingerprint import Fingerprinter
from detectors.rules.entities import load_entities
from detectors.rules.load import RuleBook

RULES = Path(__file__).parents[3] / "rules"
EMPLOYEES = """
    recognizers:
      - name: Employee number
        supported_entity: CUSTOM
        patterns:
          - {name: number, regex: '\\bEMP-\\d{6}\\b', score: 0.7}
      - name: Room
        supported_entity: CUSTOM
        context: [room, office]
        patterns:
          - {name: room, regex: '\\b[A-F]\\d{3}\\b', score: 0.2}
      - name: Project words
        supported_entity: CUSTOM
        deny_list: [Bluebird, Red Kite]
"""

type Scanned = Callable[[str, str], list[Finding]]


@pytest.fixture
def scanned(tmp_path: Path, book: RuleBook) -> Scanned:
    def look(text: str, recognizers: str) -> list[Finding]:
        file = tmp_path / "recognizers.yaml"
        file.write_text(dedent(recognizers))
        made = build(Fingerprinter(bytes(32)), book, model=False, own=file).requests
        scan = made.scan((Segment("a", Role.USER, Kind.PROSE, "Hello."), Segment("b", Role.USER, Kind.PROSE, text)))
        assert scan.skipped == ()
        return [found for found in scan.findings if found.entity == "CUSTOM"]

    return look


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ask EMP-004711 about it.", "EMP-004711"),
        ("we call it bluebird inside", "bluebird"),
        ("The red kite launch is in May.", "red kite"),
        ("meet in office B204 at noon", "B204"),
        ("EMP-000001", "EMP-000001"),
    ],
)
def test_own_value_is_found_at_its_place(text: str, value: str, scanned: Scanned) -> None:
    found = scanned(text, EMPLOYEES)
    assert [text[one.start : one.end] for one in found] == [value]
    assert found[0].ref == "b"
    assert found[0].category is Category.PERSONAL


def test_context_word_lifts_a_weak_pattern(scanned: Scanned) -> None:
    near = scanned("office B204", EMPLOYEES)
    far = scanned("catalogue item B204", EMPLOYEES)
    assert [one.score for one in near] == [0.55]
    assert [one.score for one in far] == [0.2]


def test_stock_recognizer_is_taken_by_its_name(scanned: Scanned) -> None:
    stock = "recognizers:\n  - name: CryptoRecognizer\n    supported_entity: CUSTOM\n"
    wallet = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"  # the example of the Bitcoin wiki
    assert [one.end - one.start for one in scanned(f"send it to {wallet} today", stock)] == [len(wallet)]
    assert scanned(f"send it to {wallet[:-1]}U today", stock) == []


def test_pattern_that_runs_away_is_skipped_and_not_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: RuleBook
) -> None:
    monkeypatch.setattr(own, "_SECONDS", 0.05)
    file = tmp_path / "slow.yaml"
    file.write_text(
        "recognizers:\n  - {name: Runaway codes, supported_entity: CUSTOM, patterns: [{name: s, regex: '(a|aa)+$', score: 1}]}\n"
    )
    made = build(Fingerprinter(bytes(32)), book, model=False, own=file).requests
    scan = made.scan((Segment("a", Role.USER, Kind.PROSE, "a" * 40 + "!"),))
    assert [skipped.reason for skipped in scan.skipped] == [SkipReason.TIMED_OUT]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "has no list"),
        ("recognizers: []", "has no list"),
        ("recognizers: [{name: X, supported_entity: EMPLOYEE, deny_list: [a]}]", "unknown entity EMPLOYEE"),
        ("recognizers: [{name: NoSuchRecognizer}]", "NoSuchRecognizer"),
        (
            "recognizers: [{name: X, supported_entity: CUSTOM, patterns: [{name: a, regex: '(', score: 1}]}]",
            "recognizers",
        ),
        ("recognizers: [{name: X, supported_entity: CUSTOM, patterns: [{name: a, regex: a, score: 7}]}]", "score"),
        ("recognizers: [{supported_entity: CUSTOM, deny_list: [a]}]", "name"),
        ("recognizers: [3]", "recognizers"),
    ],
)
def test_wrong_file_is_refused_with_its_name(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(Error) as refused:
        own.load(file, load_entities(RULES / "entities.yaml"))
    assert said in str(refused.value)
    assert "wrong.yaml" in str(refused.value)


def test_company_adds_an_entity_but_cannot_replace_one(tmp_path: Path) -> None:
    more = tmp_path / "entities.yaml"
    more.write_text("EMPLOYEE: {category: special, description: Staff number}\n")
    assert load_entities(RULES / "entities.yaml", more)["EMPLOYEE"].category is Category.SPECIAL
    more.write_text("PERSON: {category: tag, description: Nobody}\n")
    with pytest.raises(Error, match="PERSON: stands in the shipped vocabulary"):
        load_entities(RULES / "entities.yaml", more)
