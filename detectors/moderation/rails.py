"""Moderation of answers as a detector: every rail looks at every segment, and what it finds are hazards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from detectors.errors import Error
from detectors.finding import Category, Finding, Kind, Role, Scan, Segment, Skipped
from detectors.fingerprint import Fingerprinter
from detectors.interface import Detector
from detectors.moderation.exfil import Exfil
from detectors.moderation.rules import Rules, load
from detectors.moderation.terminal import Terminal

HAZARDS: Mapping[str, str] = {
    "EXFIL_LINK": "exfil_link",
    "HIDDEN_TEXT": "hidden_text",
    "TERMINAL_ESCAPE": "terminal_escape",
}
_CATEGORIES: Mapping[Category, str] = {Category.PERSONAL: "pii", Category.SPECIAL: "pii", Category.SECRET: "secret"}
FLAGGED_FROM = 0.5


class Rail(Protocol):
    """One compiled output rail."""

    @property
    def name(self) -> str:
        """Return the rail's name."""

    def run(self, segment: Segment) -> Scan:
        """Return what the rail found in a segment, or that it failed."""


class RailsDetector:
    """Runs compiled rails over segments; it holds no text, so it may be called from any number of threads."""

    name = "rails"

    def __init__(self, rails: Sequence[Rail]) -> None:
        if not rails:
            raise Error("there is no moderation rail", hint="name flows in rules/moderation/rails.yaml")
        self._rails = tuple(rails)

    def scan(self, segments: Sequence[Segment]) -> Scan:
        """Return what all rails found in all segments, in reading order; a rail that fails is `Skipped`."""
        findings: list[Finding] = []
        skipped: list[Skipped] = []
        for segment in segments:
            if segment.text:
                scans = [rail.run(segment) for rail in self._rails]
                found = [finding for scan in scans for finding in scan.findings]
                findings += sorted(found, key=lambda finding: (finding.start, finding.end, finding.entity))
                skipped += [skip for scan in scans for skip in scan.skipped]
        return Scan(tuple(findings), tuple(skipped))


def build(folder: Path, leak: Sequence[Detector], fingerprinter: Fingerprinter) -> RailsDetector:
    """Load the rules of `folder` and compile its rails; `leak` are the detectors of secrets and personal data.

    It imports NeMo Guardrails, which takes about two seconds the first time. Raises Error naming what is wrong.
    """
    return assembled(load(folder), leak, fingerprinter)


def assembled(rules: Rules, leak: Sequence[Detector], fingerprinter: Fingerprinter) -> RailsDetector:
    """Return the detector for loaded rules."""
    from detectors.moderation import guardrails  # slow to import: only where rails are built

    looks = {
        "lockgate_leak": _leak(tuple(leak)),
        "lockgate_exfil": _found(Exfil(rules.exfil, fingerprinter).look),
        "lockgate_terminal": _found(Terminal(rules.terminal, fingerprinter).look),
    }
    return RailsDetector(guardrails.rails(rules.flows, rules.settings, looks))


def scores(detector: Detector, text: str) -> dict[str, float]:
    """Return the highest score of each hazard in an answer's text, zero where none was found.

    Raises Error where a part of the text was not looked at: no score can be given then.
    """
    scan = detector.scan((Segment("answer", Role.ASSISTANT, Kind.PROSE, text),))
    if scan.skipped:
        reasons = sorted({f"{skip.detector or 'rails'}: {skip.reason}" for skip in scan.skipped})
        raise Error(f"the text was not moderated ({', '.join(reasons)})", hint="see `lockgate doctor`")
    best = dict.fromkeys(sorted({*HAZARDS.values(), *_CATEGORIES.values()}), 0.0)
    for finding in scan.findings:
        hazard = HAZARDS.get(finding.entity) or _CATEGORIES.get(finding.category)
        if hazard:
            best[hazard] = max(best[hazard], finding.score)
    return best


def check(folder: Path) -> tuple[int, tuple[Error, ...]]:
    """Run the rails' own examples; return how many there are and an error for each that does not hold."""
    rules = load(folder)
    fingerprinter = Fingerprinter(bytes(32))  # examples are public, their fingerprints are thrown away
    looks = {"exfil": Exfil(rules.exfil, fingerprinter).look, "terminal": Terminal(rules.terminal, fingerprinter).look}
    errors = []
    for number, example in enumerate(rules.examples, 1):
        segment = Segment("example", Role.ASSISTANT, example.kind, example.text)
        if any(looks[example.rail](segment)) is not (example.expect == "match"):
            what = "finds nothing in" if example.expect == "match" else "finds something in"
            errors.append(Error(f"{folder}/examples.yaml: the rail {example.rail} {what} example {number}"))
    missing = {(rail, expect) for rail in looks for expect in ("match", "clean")}
    missing -= {(example.rail, example.expect) for example in rules.examples}
    errors += [Error(f"{folder}/examples.yaml: no `{expect}` for {rail}") for rail, expect in sorted(missing)]
    return len(rules.examples), tuple(errors)


def _found(look: Callable[[Segment], Iterator[Finding]]) -> Callable[[Segment], Scan]:
    return lambda segment: Scan(tuple(look(segment)))


def _leak(detectors: tuple[Detector, ...]) -> Callable[[Segment], Scan]:
    def look(segment: Segment) -> Scan:
        scans = [detector.scan((segment,)) for detector in detectors]
        findings = tuple(finding for scan in scans for finding in scan.findings)
        return Scan(findings, tuple(skip for scan in scans for skip in scan.skipped))

    return look
