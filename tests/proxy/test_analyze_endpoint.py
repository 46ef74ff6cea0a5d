"""Other tools ask `/analyze` as they ask Presidio, and never get half an answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from detectors.finding import Category, Finding, Scan, Segment, Skipped, SkipReason
from detectors.rules.entities import load_entities
from proxy.console.analyze import MOST_TEXTS, Analyze
from proxy.console.server import Console

VOCABULARY = load_entities(Path(__file__).parents[2] / "rules" / "entities.yaml")


async def look(segments: Sequence[Segment]) -> Scan:
    """Find a mail address, a name and a number by their first letters; a text with `?` is not looked at."""
    kinds = {"a@b.example": "EMAIL_ADDRESS", "Jane": "PERSON", "536-22-1234": "US_SSN"}
    found = [
        Finding(s.ref, at, at + len(word), entity, Category.PERSONAL, score, "presidio", f"{entity}-rule", "f")
        for s in segments
        for (word, entity), score in zip(kinds.items(), (1.0, 0.5, 0.9), strict=True)
        if (at := s.text.find(word)) >= 0
    ]
    return Scan(tuple(found), tuple(Skipped(s.ref, SkipReason.TIMED_OUT, "m") for s in segments if "?" in s.text))


async def ask(body: Any, method: str = "POST", path: str = "/analyze", **options: Any) -> httpx.Response:
    console = Console(lambda: {"ready": True}, lambda: b"", Analyze(look, VOCABULARY))
    port = await console.start("127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            if body is not None:
                options["json"] = body
            return await client.request(method, f"http://127.0.0.1:{port}{path}", **options)
    finally:
        await console.stop()


async def test_answer_has_presidio_s_shape() -> None:
    answer = await ask({"text": "Jane is a@b.example", "language": "en"})
    assert answer.status_code == 200
    assert {item["entity_type"]: (item["start"], item["end"], item["score"]) for item in answer.json()} == {
        "EMAIL_ADDRESS": (8, 19, 1.0),
        "PERSON": (0, 4, 0.5),
    }
    assert all(item["analysis_explanation"] is None for item in answer.json())
    assert answer.json()[0]["recognition_metadata"]["recognizer_name"] == "EMAIL_ADDRESS-rule"


async def test_list_of_texts_is_answered_by_a_list_of_lists() -> None:
    answer = await ask({"text": ["Jane", "nothing", "a@b.example"], "language": "en"})
    assert [[item["entity_type"] for item in each] for each in answer.json()] == [["PERSON"], [], ["EMAIL_ADDRESS"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"entities": ["PERSON"]}, ["PERSON"]),
        ({"entities": ["NATIONAL_ID"]}, ["US_SSN"]),
        ({"entities": []}, ["EMAIL_ADDRESS", "PERSON", "US_SSN"]),
        ({"score_threshold": 0.8}, ["EMAIL_ADDRESS", "US_SSN"]),
        ({"allow_list": ["jane", "A@B.example"]}, ["US_SSN"]),
        ({"correlation_id": "x", "context": ["name"], "language": "xx"}, ["EMAIL_ADDRESS", "PERSON", "US_SSN"]),
    ],
)
async def test_parameter_narrows_the_answer(asked: dict[str, Any], found: list[str]) -> None:
    answer = await ask({"text": "Jane a@b.example 536-22-1234", **asked})
    assert [item["entity_type"] for item in answer.json()] == found


async def test_explanation_is_given_where_asked_for() -> None:
    answer = await ask({"text": "Jane", "return_decision_process": True})
    assert answer.json()[0]["analysis_explanation"]["recognizer"] == "PERSON-rule"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "text"),
        ({"text": 7}, 400, "text"),
        ({"text": "x", "score_threshold": 7}, 400, "score_threshold"),
        ({"text": "x", "entities": ["NO_SUCH"]}, 400, "/supportedentities"),
        ({"text": "x", "ad_hoc_recognizers": [{"name": "a"}]}, 400, "detectors.recognizers"),
        ({"text": "x", "allow_list": ["."], "allow_list_match": "regex"}, 400, "allow_list_match"),
        ({"text": ["x"] * (MOST_TEXTS + 1)}, 400, "text"),
        ({"text": "Jane? a@b.example"}, 503, "timed_out"),
    ],
)
async def test_what_cannot_be_answered_whole_is_an_error(body: dict[str, Any], status: int, said: str) -> None:
    answer = await ask(body)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert "Jane" not in answer.text
    assert "NO_SUCH" not in answer.text


async def test_body_that_is_no_json_is_refused() -> None:
    sent = {"content": b'{"text": "Jane', "headers": {"content-type": "application/json"}}
    assert (await ask(None, **sent)).status_code == 400


async def test_foreign_page_cannot_ask_without_being_asked_first() -> None:
    sent = {"content": b'{"text": "Jane"}', "headers": {"content-type": "text/plain"}}
    assert (await ask(None, **sent)).status_code == 415


async def test_oversized_body_is_refused() -> None:
    assert (await ask({"text": "a" * 2_000_000})).status_code == 413


async def test_supported_entities_are_the_vocabulary_without_hazards() -> None:
    names = (await ask(None, "GET", "/supportedentities")).json()
    assert {"PERSON", "US_SSN", "SECRET", "TAG"} <= set(names)
    assert "EXFIL_LINK" not in names
    assert (await ask(None, "GET", "/health")).status_code == 200
