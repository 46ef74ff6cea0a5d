"""Work stays in proportion to the text, whatever the text; a look that is cut short is said to be."""

import time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import AnalyzerEngine

from detectors import deadline
from detectors.analyzer.catalogue import recognizers
from detectors.analyzer.detector import AnalyzerDetector
from detectors.analyzer.personal import Model
from detectors.analyzer.pieces import SEPARATOR, SIZE, chunks
from detectors.analyzer.pipeline import engine_of
from detectors.analyzer.recognizer import Recognizer, TimedOutError
from detectors.finding import Kind, Role, Segment, Skipped, SkipReason
from detectors.fingerprint import Fingerprinter
from detectors.ner.classifier import Span

KEY = bytes(range(32))

ADVERSARIAL = {
    "dotted": "a.a.a.",
    "worldwide": "www.www.",
    "dashed digits": "1-1-1-",
    "at signs": "@@@@",
    "mail-like": "a@a@a.",
    "spaces": "    ",
    "digits": "1234567890",
    "spaced digits": "1 2 3 4 5 ",
    "cards": "4111 1111 1111 1111 ",
    "colons": "a:b::c:1:",
    "links": "http://a.com/://",
    "domains": ".com.com",
    "words": "born dob tel ssn passport account number ",
    "words and numbers": "ssn 536228726 tel 5550123 ",
    "brackets": "((((+1(",
    "numbers of many countries": "85.07.30-033.28 111.444.777-35 ",
    "combining": "e\u0301\u0301\u0301",
    "breaks": "\x00\n\x00",
}


def _segment(text: str, ref: str = "s", kind: Kind = Kind.PROSE) -> Segment:
    return Segment(ref, Role.USER, kind, text)


def _cost(detector: AnalyzerDetector, text: str) -> float:
    costs = []
    for _ in range(3):
        begin = time.thread_time()
        assert not detector.scan([_segment(text)]).skipped
        costs.append(time.thread_time() - begin)
    return min(costs)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_twice_the_text_is_no_more_than_about_twice_the_work(analyzers, name):
    unit = ADVERSARIAL[name]
    once, twice = unit * (10_000 // len(unit)), unit * (20_000 // len(unit))
    small, large = _cost(analyzers.answers, once), _cost(analyzers.answers, twice)
    assert large < max(3.2 * small, 0.02)
    assert large < 1.0


class Slow(Recognizer):
    """A recognizer whose pattern runs out of time where the text says so."""

    def __init__(self) -> None:
        super().__init__("Slow", ["PERSON"])

    def found(self, artifacts):
        if "slow" in artifacts.text:
            raise TimedOutError
        return iter(())


def test_a_pattern_that_runs_out_of_time_makes_its_segments_skipped_and_no_others(book):
    detector = AnalyzerDetector("presidio", engine_of([*recognizers(book), Slow()], None), Fingerprinter(KEY))
    scan = detector.scan([_segment("slow " + "x" * SIZE, "a"), _segment("ada@example.com " * 300, "b")])
    assert scan.skipped == (Skipped("a", SkipReason.TIMED_OUT, "presidio"),)
    assert {finding.ref for finding in scan.findings} == {"b"}


def test_findings_of_short_segments_are_told_apart_however_they_are_joined(analyzers):
    texts = ["ada@example.com", "", "5555", "4111 1111 1111", "1111", "call", "555-0123", "x", "4111111111111111"] * 50
    scan = analyzers.answers.scan([_segment(text, str(index)) for index, text in enumerate(texts)])
    found = {(finding.entity, texts[int(finding.ref)]) for finding in scan.findings}
    assert found == {("EMAIL_ADDRESS", "ada@example.com"), ("CREDIT_CARD", "4111111111111111")}
    for finding in scan.findings:
        assert (finding.start, finding.end) == (0, len(texts[int(finding.ref)]))
    assert len(scan.findings) == 100


def test_what_takes_any_character_does_not_cross_from_one_segment_into_the_next():
    class Greedy(Recognizer):
        def __init__(self) -> None:
            super().__init__("Greedy", ["PERSON"])

        def found(self, artifacts):
            for match in regex.finditer(r"(?s)begin.*?end", artifacts.text):
                yield self.result("PERSON", *match.span(), 1.0)

    detector = AnalyzerDetector("presidio", engine_of([Greedy()], None), Fingerprinter(KEY))
    texts = ["begin one end", "begin of nothing", "the end", "begin two end"]
    scan = detector.scan([_segment(text, str(index)) for index, text in enumerate(texts)])
    assert sorted((f.ref, f.start, f.end) for f in scan.findings) == [("0", 0, 13), ("3", 0, 13)]


@pytest.mark.parametrize("place", [0, 100, SIZE - 8, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE - 5, 3 * SIZE - 15])
def test_a_value_across_the_edge_of_a_window_is_found_once_and_whole(analyzers, place):
    value = "ada@example.com"
    text = ("x " * (2 * SIZE))[:place] + value + (" y" * (2 * SIZE))[: 3 * SIZE]
    if place % 2:
        text = text[: place - 1] + " " + text[place:]
    found = [(f.entity, f.start, f.end) for f in analyzers.answers.scan([_segment(text)]).findings]
    assert found == [("EMAIL_ADDRESS", place, place + len(value))]


def test_a_link_longer_than_a_window_is_found_whole(analyzers):
    link = "https://example.com/" + "a" * 3000
    text = "x " * 1900 + link + " y" * 3000
    found = [(f.start, f.end) for f in analyzers.answers.scan([_segment(text)]).findings if f.entity == "URL"]
    assert found == [(3800, 3800 + len(link))]


def test_chunks_own_every_character_once():
    texts = ["", "a" * 10, "b" * (SIZE - 3), "c" * (3 * SIZE + 7), "d", "e" * SIZE]
    owned = [[0] * len(text) for text in texts]
    for chunk in chunks(texts):
        for piece in chunk.pieces:
            assert chunk.text[piece.start : piece.end] == texts[piece.index][piece.offset :][: piece.end - piece.start]
            for place in range(piece.owns_from, piece.owns_to):
                owned[piece.index][place] += 1
        assert SEPARATOR.join(chunk.text[p.start : p.end] for p in chunk.pieces) == chunk.text
    assert all(count == 1 for counts in owned for count in counts)


def test_the_engine_is_presidio_s_own(analyzers):
    assert type(analyzers.requests._engine) is AnalyzerEngine


def test_identifiers_are_not_shown_to_the_model(analyzers):
    text = "Please write to Ada Lovelace about it."
    kinds = {
        kind: {f.detector for f in analyzers.requests.scan([_segment(text, kind=kind)]).findings}
        for kind in (Kind.PROSE, Kind.IDENTIFIER)
    }
    assert kinds == {Kind.PROSE: {"model"}, Kind.IDENTIFIER: set()}


def test_a_model_that_runs_out_of_time_leaves_its_segments_skipped_and_the_patterns_heard(analyzers):
    text = "Grace Hopper met Ada Lovelace. " * 4_000 + "ada@example.com"
    with deadline.until(time.monotonic() + 0.6):
        scan = analyzers.requests.scan([_segment(text, "long"), _segment("gpt-4o", "id", Kind.IDENTIFIER)])
    assert scan.skipped == (Skipped("long", SkipReason.TIMED_OUT, "presidio"),)
    assert [f.entity for f in scan.findings] == ["EMAIL_ADDRESS"]


def test_a_span_of_the_model_longer_than_a_window_is_covered_whole():
    class Wide:
        name = "wide"

        def spans(self, texts):
            return [[Span(10, len(text) - 10, "ADDR", 0.9)] for text in texts]

    classifier = Wide()
    engine = engine_of([Model(classifier.name, 0.5)], classifier)
    text = "word " * 3_000
    scan = AnalyzerDetector("presidio", engine, Fingerprinter(KEY), model="wide").scan([_segment(text)])
    covered = {place for f in scan.findings for place in range(f.start, f.end)}
    assert all(place in covered or text[place] == " " for place in range(10, len(text) - 10))


NASTY = st.text(
    alphabet=st.sampled_from("0123456789 -./+()@:,;=abcXYZé\u0301²٣\uff14\x00\n\u00a0\u2011😀"), max_size=120
)


@settings(max_examples=150, deadline=None)
@given(st.lists(NASTY, max_size=6))
def test_no_text_raises_and_segments_joined_give_what_each_gives_alone(analyzers, texts):
    def places(scan):
        return sorted((f.ref, f.start, f.end, f.entity, f.score, f.validated) for f in scan.findings)

    segments = [_segment(text, str(index)) for index, text in enumerate(texts)]
    together = analyzers.answers.scan(segments)
    assert not together.skipped
    assert places(together) == sorted(place for s in segments for place in places(analyzers.answers.scan([s])))
    for finding in together.findings:
        assert 0 <= finding.start < finding.end <= len(texts[int(finding.ref)])
