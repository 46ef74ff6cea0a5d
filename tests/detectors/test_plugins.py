"""Detectors from elsewhere load by name, and whoever names them wrong is told what to change."""

import sys
import types

import pytest

from detectors.errors import Errors
from detectors.finding import Scan
from detectors.fingerprint import Fingerprinter
from detectors.plugins import load

KEY = bytes(range(32))


class Codes:
    name = "codes"

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self.fingerprinter = fingerprinter

    def scan(self, segments):
        return Scan()


@pytest.fixture
def acme(monkeypatch):
    module = types.ModuleType("acme_codes")
    module.make, module.number, module.nothing = Codes, 3, lambda fingerprinter: None
    monkeypatch.setitem(sys.modules, "acme_codes", module)


def test_a_factory_gets_the_fingerprinter_and_its_detector_is_returned(acme):
    fingerprinter = Fingerprinter(KEY)
    (detector,) = load(["acme_codes:make"], fingerprinter)
    assert detector.name == "codes"
    assert detector.fingerprinter is fingerprinter


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("acme_codes", "package.module:factory"),
        ("acme_codes:", "package.module:factory"),
        (":make", "package.module:factory"),
        ("acme_codes:a b", "package.module:factory"),
        ("no_such_package.codes:make", "no_such_package"),
        ("acme_codes:absent", "absent"),
        ("acme_codes:number", "number"),
        ("acme_codes:nothing", "no detector"),
    ],
)
def test_a_wrong_name_is_an_error_with_a_hint(acme, name, says):
    with pytest.raises(Errors, match=says) as caught:
        load([name], Fingerprinter(KEY))
    assert caught.value.errors[0].hint


def test_all_wrong_names_are_told_at_once(acme):
    with pytest.raises(Errors) as caught:
        load(["a", "acme_codes:make", "b"], Fingerprinter(KEY))
    assert len(caught.value.errors) == 2
