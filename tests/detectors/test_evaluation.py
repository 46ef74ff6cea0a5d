"""Figures of detection mean what they say: leaks by character, F1 by place and type, false alarms by touch."""

from pathlib import Path

import pytest

from detectors.errors import Error
from detectors.evaluation import Case, Score, Span, cases
from detectors.rules.entities import load_entities

VOCABULARY = load_entities(Path(__file__).parents[2] / "rules" / "entities.yaml")
TEXT = "x" * 100


def figures(gold: list[Span], found: list[Span], labelled: frozenset[str] = frozenset()) -> dict[str, object]:
    score = Score(VOCABULARY)
    score.add(Case("1", TEXT, tuple(gold), labelled=labelled), found, 0.01)
    return score.figures()


def person(start: int, end: int) -> Span:
    return Span(start, end, "PERSON")


def test_perfect_findings_are_perfect() -> None:
    said = figures([person(0, 10), Span(20, 30, "US_SSN")], [person(0, 10), Span(20, 30, "US_SSN")])
    assert (said["leak"], said["f1"], said["f2"], said["exact_f1"], said["false_per_10kB"]) == (0, 1, 1, 1, 0)


def test_leak_counts_characters_that_nothing_covers_whatever_their_type() -> None:
    said = figures([person(0, 10), person(50, 60)], [Span(5, 20, "ORG")])
    assert said["leak"] == 0.75
    assert said["f1"] == 0


def test_half_of_both_spans_together_is_the_same_place_and_less_is_not() -> None:
    assert figures([person(0, 10)], [person(0, 5)])["f1"] == 1
    assert figures([person(0, 10)], [person(0, 4)])["f1"] == 0
    assert figures([person(0, 10)], [person(0, 5)])["exact_f1"] == 0
    assert figures([person(0, 10)], [person(0, 100)])["f1"] == 0


def test_f2_weighs_recall_four_times() -> None:
    missed = figures([person(0, 10), person(20, 30)], [person(0, 10)])
    assert (missed["precision"], missed["recall"]) == (1, 0.5)
    assert missed["f2"] == round(5 * 1 * 0.5 / (4 * 1 + 0.5), 4)


def test_one_finding_answers_one_span_and_the_closest() -> None:
    said = figures([person(0, 10), person(10, 20)], [person(0, 20), person(10, 20)])
    assert (said["recall"], said["exact_f1"]) == (1, 0.5)
    assert figures([person(0, 10)], [person(0, 10), person(0, 10)])["precision"] == 0.5


@pytest.mark.parametrize(
    ("gold", "found", "same"),
    [
        ("NATIONAL_ID", "US_SSN", True),
        ("US_SSN", "NATIONAL_ID", True),
        ("LOCATION", "ADDRESS", True),
        ("US_SSN", "TAX_ID", False),
        ("PERSON", "ORG", False),
        ("NOVEL_ENTITY", "NOVEL_ENTITY", True),
        ("NOVEL_ENTITY", "PERSON", False),
    ],
)
def test_kind_matches_the_wider_entity_and_a_place_an_address(gold: str, found: str, same: bool) -> None:
    assert figures([Span(0, 10, gold)], [Span(0, 10, found)])["f1"] == float(same)


def test_entity_nobody_annotated_is_no_false_alarm() -> None:
    extra = Span(40, 50, "URL")
    assert figures([person(0, 10)], [person(0, 10), extra])["precision"] == 0.5
    assert figures([person(0, 10)], [person(0, 10), extra])["false_per_10kB"] == 100
    labelled = figures([person(0, 10)], [person(0, 10), extra], frozenset({"PERSON"}))
    assert (labelled["precision"], labelled["false_per_10kB"]) == (1, 0)


def test_finding_that_touches_a_span_is_no_false_alarm() -> None:
    assert figures([person(0, 10)], [Span(9, 30, "ORG")])["false_per_10kB"] == 0


def test_sums_run_over_texts_and_entities() -> None:
    score = Score(VOCABULARY)
    score.add(Case("1", TEXT, (person(0, 10),)), [person(0, 10)], 0.001)
    score.add(Case("2", TEXT, ()), [person(0, 10)], 0.003)
    said = score.figures()
    assert (said["texts"], said["gold"], said["found"], said["f1"]) == (2, 1, 2, 0.6667)
    assert said["document_f1"] == 0.6667
    assert said["milliseconds_p95"] == 3.0


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": 1, "text": "abc"}',
        '{"id": 1, "text": 7, "spans": []}',
        '{"id": 1, "text": "abc", "spans": [{"start": 2, "end": 9, "type": "PERSON"}]}',
        '{"id": 1, "text": "abc", "spans": [{"start": 2, "end": 2, "type": "PERSON"}]}',
        '{"id": 1, "text": "abc", "spans": [{"start": "a", "end": 2, "type": "PERSON"}]}',
        '{"id": 1, "text": "abc", "spans": "PERSON"}',
    ],
)
def test_line_that_is_no_case_is_named_and_not_quoted(line: str) -> None:
    with pytest.raises(Error, match="line 2: ") as refused:
        list(cases(["\n", line]))
    assert "abc" not in refused.value.diagnostics()


def test_case_is_read_with_what_it_may_leave_out() -> None:
    [case] = cases(['{"id": 1, "text": "Jane", "spans": [{"start": 0, "end": 4, "type": "PERSON"}]}'])
    assert (case.spans, case.source, case.labelled) == ((person(0, 4),), "", frozenset())
