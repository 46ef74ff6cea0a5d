"""What a company does not want reported: values of its allow-list, and entities below a score of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from detectors.errors import Error, Errors
from detectors.finding import Category, Finding
from detectors.rules.entities import Entities

_KEPT: Final = frozenset({Category.TAG, Category.HAZARD})


@dataclass(frozen=True, slots=True)
class Sieve:
    """`thresholds` by entity in [0, 1]; `allowed` holds values as `folded` writes them. Tags and hazards always pass."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    allowed: frozenset[str] = field(default=frozenset(), repr=False)

    def kept(self, findings: Iterable[Finding], text: str) -> list[Finding]:
        """Return the findings of one text that are to be reported."""
        if not self.thresholds and not self.allowed:
            return list(findings)
        return [finding for finding in findings if self.wants(finding, text)]

    def wants(self, finding: Finding, text: str) -> bool:
        """Tell whether a finding of a text is to be reported."""
        if finding.category in _KEPT:
            return True
        if finding.score < self.thresholds.get(finding.entity, 0.0):
            return False
        return not self.allowed or folded(text[finding.start : finding.end]) not in self.allowed


EVERYTHING: Final = Sieve()


def sieve(thresholds: Mapping[str, float], allow_list: Iterable[str], vocabulary: Entities) -> Sieve:
    """Return the sieve of a configuration; a threshold holds for an entity and its kinds, a kind's own one before.

    Raises Errors naming every entity that is not in the vocabulary, or is a tag or a hazard, which have no score.
    """
    errors: list[Error] = []
    wide: dict[str, float] = {}
    for name, least in thresholds.items():
        if name not in vocabulary or vocabulary[name].category in _KEPT:
            hint = "rules/entities.yaml lists the known ones; tags and hazards take none"
            errors.append(Error(f"detectors.thresholds: {name}: is no entity that takes a threshold", hint=hint))
            continue
        wide |= dict.fromkeys((kind for kind in vocabulary.kinds(name) if kind not in thresholds), least)
    if errors:
        raise Errors(tuple(errors))
    return Sieve({**wide, **thresholds}, frozenset(filter(None, map(folded, allow_list))))


def folded(value: str) -> str:
    """Return a value as the allow-list compares it: without regard to case and to how white space is written."""
    return " ".join(value.split()).casefold()
