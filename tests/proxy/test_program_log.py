import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from proxy.log import configure


class Log(io.StringIO):
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:], root.level, logging.raiseExceptions = before


@pytest.fixture
def log() -> Log:
    kept = Log()
    configure("info", kept)
    return kept


def test_event_with_plain_fields_is_one_json_line(log: Log) -> None:
    structlog.get_logger().warning("policy.stale", file=Path("policies"), count=3, seconds=0.5)
    (entry,) = log.entries()
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "policy.stale", "level": "warning", "file": "policies", "count": 3, "seconds": 0.5}


def test_field_that_is_not_allowed_is_dropped_and_named(log: Log) -> None:
    structlog.get_logger().bind(prompt="tulip").info("a.b", text="tulip", body=b"tulip", count=1)
    (entry,) = log.entries()
    assert entry["dropped"] == "body,prompt,text"
    assert "tulip" not in log.getvalue()


@pytest.mark.parametrize("value", [b"tulip", ["tulip"], {"a": "tulip"}, ValueError("tulip")])
def test_value_that_is_not_plain_shows_its_type_only(log: Log, value: object) -> None:
    structlog.get_logger().info("a.b", why=value)
    assert log.entries()[0]["why"] == f"<{type(value).__name__}>"
    assert "tulip" not in log.getvalue()


def test_event_that_is_a_sentence_is_not_shown(log: Log) -> None:
    structlog.get_logger().info("The prompt was: tulip")
    assert log.entries()[0]["event"] == "log.unnamed"
    assert "tulip" not in log.getvalue()


def test_long_and_unprintable_text_is_cut_to_one_line(log: Log) -> None:
    structlog.get_logger().info("a.b", why="x\x1b[31m\n" + "y" * 1000)
    (entry,) = log.entries()
    assert len(entry["why"]) == 300
    assert entry["why"].startswith("x [31m y")


def test_exception_shows_type_and_place_without_its_words(log: Log) -> None:
    try:
        raise ValueError("tulip")
    except ValueError:
        structlog.get_logger().exception("a.failed")
    (entry,) = log.entries()
    assert entry["error"] == "ValueError"
    assert entry["where"].startswith("test_program_log:")
    assert "tulip" not in log.getvalue()


def test_level_below_the_set_one_is_silent(log: Log) -> None:
    structlog.get_logger().debug("a.b")
    assert log.getvalue() == ""


def test_libraries_are_heard_from_warning_on_without_their_words(log: Log) -> None:
    library = logging.getLogger("aiohttp.access")
    library.info("GET /tulip")
    library.warning("request %s", "tulip")
    try:
        raise KeyError("tulip")
    except KeyError:
        library.exception("failed on tulip")
    first, second = log.entries()
    assert (first["logger"], first["level"]) == ("aiohttp.access", "warning")
    assert (second["error"], second["level"]) == ("KeyError", "error")
    assert "tulip" not in log.getvalue()


def test_library_record_that_cannot_be_formatted_prints_nothing(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").error("%d", "tulip")
    assert "tulip" not in log.getvalue() + "".join(capsys.readouterr())
    assert len(log.entries()) == 1


def test_odd_library_levels_are_heard(log: Log) -> None:
    logging.getLogger("x").log(35, "tulip")
    logging.getLogger("x").critical("tulip")
    assert len(log.entries()) == 2
    assert "tulip" not in log.getvalue()


def test_python_warning_keeps_its_words_to_itself(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("tulip", stacklevel=1)
    assert "tulip" not in log.getvalue()


def test_stderr_that_is_gone_stops_nothing() -> None:
    stream = Log()
    configure("info", stream)
    stream.close()
    structlog.get_logger().error("a.b")


def test_terminal_gets_lines_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Log()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stream)
    configure()
    structlog.get_logger().info("gate.ready", port=8080)
    assert "gate.ready" in stream.getvalue()
    assert "port=8080" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
