"""Fingerprints tell equal values, and nothing else."""

import unicodedata

import pytest

from detectors.errors import Error
from detectors.fingerprint import Fingerprinter

KEY = bytes(range(32))


def test_equal_values_have_equal_fingerprints_however_they_are_written():
    of = Fingerprinter(KEY).of
    assert of("Ada Lovelace") == of("ADA  lovelace\n") == of("AdaLovelace")
    assert of(unicodedata.normalize("NFD", "Zoë")) == of(unicodedata.normalize("NFC", "Zoë"))


def test_other_values_and_other_keys_have_other_fingerprints():
    of = Fingerprinter(KEY).of
    assert of("Ada Lovelace") != of("Ada Byron")
    assert of("Ada Lovelace") != Fingerprinter(bytes(32)).of("Ada Lovelace")


def test_a_fingerprint_is_at_least_sixteen_hex_digits_and_does_not_hold_the_value():
    print_ = Fingerprinter(KEY).of("deadbeef")
    assert len(print_) >= 16
    int(print_, 16)
    assert "deadbeef" not in print_


def test_a_lone_surrogate_has_a_fingerprint():
    assert Fingerprinter(KEY).of("a\ud800b") != Fingerprinter(KEY).of("ab")


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_key_of_a_wrong_length_is_refused(length):
    with pytest.raises(Error) as caught:
        Fingerprinter(b"x" * length)
    assert caught.value.hint
