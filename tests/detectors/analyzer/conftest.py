"""The detectors are loaded once for all tests of this folder: it takes seconds."""

from pathlib import Path

import pytest

from detectors.build import Analyzers, build
from detectors.fingerprint import Fingerprinter
from detectors.ner.session import Device
from detectors.rules.load import RuleBook, load

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def book() -> RuleBook:
    return load(Path(__file__).parents[3] / "rules")


@pytest.fixture(scope="session")
def analyzers(book: RuleBook) -> Analyzers:
    return build(Fingerprinter(KEY), book, device=Device.CPU)
