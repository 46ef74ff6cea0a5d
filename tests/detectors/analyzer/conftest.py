"""The detectors are loaded once for all tests of this folder: it takes seconds."""

import pytest

from detectors.build import Analyzers, build
from detectors.fingerprint import Fingerprinter
from detectors.ner.session import Device

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def analyzers() -> Analyzers:
    return build(Fingerprinter(KEY), device=Device.CPU)
