"""deploy/reference.md says what the code says, and what the code says of itself is complete."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import reference

from proxy import log
from proxy.config import Config

OF_THE_LOG_ITSELF = {"library.message", "log.unnamed"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def test_reference_is_what_the_code_says() -> None:
    assert reference.PLACE.read_text() == reference.text(), "run: python tests/docs/reference.py"


def test_reference_has_a_line_for_every_key_of_the_configuration() -> None:
    def leaves(value: object, path: str) -> Iterator[str]:
        if isinstance(value, dict) and value:
            for key, below in value.items():
                yield from leaves(below, f"{path}.{key}".lstrip("."))
        else:
            yield path

    written = set(re.findall(r"^\| `([a-z_.]+)` \|", configuration(), re.MULTILINE))
    assert set(leaves(Config().model_dump(by_alias=True), "")) <= written


def configuration() -> str:
    return reference.PLACE.read_text().partition("## Configuration")[2].partition("\n## ")[0]


def logged() -> set[str]:
    """The names of all lines that the code logs: calls such as `_log.info("gate.ready")`."""
    found: set[str] = set()
    for path in (*(reference.ROOT / "proxy").rglob("*.py"), *(reference.ROOT / "detectors").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                match node.args:
                    case [ast.Constant(value=str(name)), *_] if log.EVENT.fullmatch(name):
                        found.add(name)
    return found


def test_every_line_that_is_logged_is_described_and_every_one_described_is_logged() -> None:
    assert logged() == log.EVENTS.keys() - OF_THE_LOG_ITSELF


def test_every_name_of_a_logged_line_says_of_what_it_speaks() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in log.EVENTS)


def test_reference_names_no_value_of_this_machine() -> None:
    text = reference.PLACE.read_text()
    assert str(Path.home()) not in text
    assert str(reference.ROOT) not in text
