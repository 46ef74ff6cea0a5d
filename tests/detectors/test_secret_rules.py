"""The shipped rules for secrets hold their own examples, and are as many as the company is told."""

from pathlib import Path

import pytest

from detectors.rules.check import check
from detectors.rules.load import RuleBook, load

RULES = Path(__file__).parents[2] / "rules"
UNBRANDED = {"generic.yaml", "keys.yaml"}


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load(RULES)


def test_every_rule_finds_its_own_examples_and_stays_quiet_on_its_clean_ones(book):
    assert [str(failure) for failure in check(book).failures] == []


def test_at_least_220_rules_know_a_provider_by_its_own_description(book):
    branded = [rule for rule in book.secrets if Path(rule.file).name not in UNBRANDED]
    assert len(branded) >= 220
    assert all(rule.source.startswith("https://") for rule in branded)
