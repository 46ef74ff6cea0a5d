"""The rules of rules/personal behind one of Presidio's recognizers."""

from collections.abc import Iterator, Sequence

from presidio_analyzer import RecognizerResult

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.recognizer import Recognizer, Result
from detectors.rules.identifier import Identifier, Surroundings
from detectors.rules.identifiers import Identifiers as Matcher


class Identifiers(Recognizer):
    """Numbers and codes that belong to someone; each result is named by its rule."""

    def __init__(self, rules: Sequence[Identifier], shared: Surroundings) -> None:
        super().__init__("IdentifierRecognizer", sorted({rule.entity for rule in rules}))
        self._matcher = Matcher(rules, shared)
        self._by_rule = {
            rule.id: {
                RecognizerResult.RECOGNIZER_NAME_KEY: rule.id,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            }
            for rule in rules
        }

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield what the rules find."""
        for rule, start, end, score, validated in self._matcher.hits(artifacts.text, artifacts.header):
            yield Result(self._by_rule[rule.id], rule.entity, start, end, score, validated)
