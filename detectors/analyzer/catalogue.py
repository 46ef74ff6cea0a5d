"""The lean registry: which recognizers look at text, each chosen by what it finds and what it costs."""

from collections.abc import Sequence

from detectors.analyzer.countries import americas, asia_and_australia, europe, unknown_to_presidio
from detectors.analyzer.detector import AnalyzerDetector
from detectors.analyzer.network import Email, Ip, Url, mac
from detectors.analyzer.numbers import documents, payment
from detectors.analyzer.personal import Age, Birth, Model
from detectors.analyzer.phone import Phone
from detectors.analyzer.pipeline import engine_of
from detectors.analyzer.recognizer import Recognizer
from detectors.analyzer.shapes import Index
from detectors.analyzer.vocabulary import CategoryOf, category_of
from detectors.fingerprint import Fingerprinter
from detectors.ner.classifier import TokenClassifier


def recognizers() -> list[Recognizer]:
    """Return all recognizers that need no model."""
    shaped = [*payment(), *americas(), *asia_and_australia(), *europe(), *unknown_to_presidio(), *documents(), mac()]
    index = Index([shape for recognizer in shaped for shape in recognizer.strong])
    for recognizer in shaped:
        recognizer.index = index
    return [*shaped, Email(), Phone(), Url(), Ip(), Birth(), Age()]


def requests(
    fingerprinter: Fingerprinter,
    classifier: TokenClassifier,
    floor: float,
    own: Sequence[Recognizer] = (),
    category: CategoryOf = category_of,
) -> AnalyzerDetector:
    """Return the detector of personal data by patterns, a company's `own` recognizers and the model."""
    engine = engine_of([*recognizers(), *own, Model(classifier.name, floor)], classifier)
    return AnalyzerDetector("presidio", engine, fingerprinter, model=classifier.name, category=category)


def answers(
    fingerprinter: Fingerprinter, own: Sequence[Recognizer] = (), category: CategoryOf = category_of
) -> AnalyzerDetector:
    """Return the detector of personal data by patterns and a company's `own` recognizers alone."""
    return AnalyzerDetector("presidio", engine_of([*recognizers(), *own], None), fingerprinter, category=category)
