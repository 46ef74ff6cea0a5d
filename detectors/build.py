"""The detectors' composition root: what finds in requests, what finds in answers, and what they run on."""

from dataclasses import dataclass

from detectors.fingerprint import Fingerprinter
from detectors.interface import Detector
from detectors.ner.session import Device, Runtime
from detectors.ner.shared import Logits


@dataclass(frozen=True, slots=True)
class Analyzers:
    """The detectors of personal data: `requests` with the model where there is one, `answers` by patterns alone."""

    requests: Detector
    answers: Detector
    runtime: Runtime | None


def build(
    fingerprinter: Fingerprinter,
    *,
    model: bool = True,
    device: Device = Device.AUTO,
    threads: int = 1,
    bias: float = 0.0,
    floor: float = 0.5,
    session: Logits | None = None,
) -> Analyzers:
    """Load Presidio, spaCy and, if wanted, the model, which takes seconds; on the CPU no thread is started.

    With a `session` the model is run by that, in place of one on `device`.

    `bias` makes the model find more and err more (0 to 2), `floor` is the score below which its spans are dropped.
    """
    from detectors.analyzer.catalogue import answers, requests  # takes seconds, so not on importing this module

    if not model:
        patterns = answers(fingerprinter)
        return Analyzers(patterns, patterns, None)
    from detectors.ner.classifier import TokenClassifier

    classifier = TokenClassifier(device=device, threads=threads, bias=bias, session=session)
    return Analyzers(requests(fingerprinter, classifier, floor), answers(fingerprinter), classifier.runtime)
