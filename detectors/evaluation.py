"""How well detection does on annotated texts: what leaks, precision and recall by entity, false alarms, by source."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from detectors.errors import Error
from detectors.rules.entities import Entities

OVERLAP: Final = 0.5  # of the characters of both spans together: from there on they are the same place
_ALIKE: Final = {"LOCATION": "ADDRESS"}  # whether a town alone is an address is a matter of taste


@dataclass(frozen=True, slots=True)
class Span:
    """A value at the half-open code points [start, end)."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True)
class Case:
    """A text with its spans. `labelled` holds the entities that its annotators looked for, empty for all."""

    id: str
    text: str = field(repr=False)
    spans: tuple[Span, ...]
    source: str = ""
    labelled: frozenset[str] = frozenset()


@dataclass(slots=True)
class Count:
    """Spans of one entity: in the annotation, in the findings, and in both by place and type, or exactly."""

    gold: int = 0
    found: int = 0
    typed: int = 0
    exact: int = 0

    def figures(self) -> dict[str, float | int]:
        """Return counts, precision, recall, F1 and F2 of the typed match, and F1 of the exact one."""
        precision, recall = _share(self.typed, self.found), _share(self.typed, self.gold)
        return {
            "gold": self.gold,
            "found": self.found,
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(_f(precision, recall, 1.0), 4),
            "f2": round(_f(precision, recall, 2.0), 4),
            "exact_f1": round(_f(_share(self.exact, self.found), _share(self.exact, self.gold), 1.0), 4),
        }


class Score:
    """The sums over the cases of one source."""

    def __init__(self, vocabulary: Entities) -> None:
        self._vocabulary = vocabulary
        self.entities: dict[str, Count] = {}
        self.texts = self.bytes = self.gold_characters = self.leaked_characters = self.false = 0
        self.whole = [0, 0, 0]  # texts with spans and findings, with findings, with spans
        self.seconds: list[float] = []

    def add(self, case: Case, findings: Sequence[Span], seconds: float) -> None:
        """Add a text and what was found in it, which took so long."""
        self.texts += 1
        self.bytes += len(case.text.encode("utf-8", "replace"))
        self.seconds.append(seconds)
        self._add_leaks(case, findings)
        counted = [found for found in findings if self._is_labelled(found.entity, case.labelled)]
        self.false += sum(1 for found in counted if not any(_common(found, gold) for gold in case.spans))
        self.whole[0] += bool(case.spans and counted)
        self.whole[1] += bool(counted)
        self.whole[2] += bool(case.spans)
        self._add_matches(case.spans, counted)

    def _add_leaks(self, case: Case, findings: Sequence[Span]) -> None:
        gold = _characters(case.spans)
        self.gold_characters += len(gold)
        self.leaked_characters += len(gold - _characters(findings))

    def _add_matches(self, gold: Sequence[Span], findings: Sequence[Span]) -> None:
        """Pair each annotated span with one finding at most, the closest first."""
        pairs = sorted(
            (-overlap, i, j)
            for i, annotated in enumerate(gold)
            for j, found in enumerate(findings)
            if (overlap := _overlap(annotated, found)) >= OVERLAP and self._same(annotated, found)
        )
        left, right = dict(enumerate(gold)), dict(enumerate(findings))
        for _, i, j in pairs:
            if i not in left or j not in right:
                continue
            annotated, found = left.pop(i), right.pop(j)
            count = self._count(annotated.entity)
            count.typed += 1
            count.found += 1
            count.exact += (annotated.start, annotated.end) == (found.start, found.end)
        for annotated in gold:
            self._count(annotated.entity).gold += 1
        for found in right.values():
            self._count(found.entity).found += 1

    def _count(self, entity: str) -> Count:
        return self.entities.setdefault(entity, Count())

    def _same(self, gold: Span, found: Span) -> bool:
        return bool(self._names(gold.entity) & self._names(found.entity))

    def _names(self, entity: str) -> frozenset[str]:
        """Return an entity's own name as matched, and that of the wider one it is a kind of."""
        wide = self._vocabulary[entity].kind_of if entity in self._vocabulary else ""
        return frozenset(_ALIKE.get(name, name) for name in (entity, wide) if name)

    def _is_labelled(self, entity: str, labelled: frozenset[str]) -> bool:
        return not labelled or any(self._names(entity) & self._names(name) for name in labelled)

    def figures(self) -> dict[str, object]:
        """Return everything as one mapping for a report."""
        total = Count()
        for count in self.entities.values():
            total.gold += count.gold
            total.found += count.found
            total.typed += count.typed
            total.exact += count.exact
        precision, recall = _share(self.whole[0], self.whole[1]), _share(self.whole[0], self.whole[2])
        ordered = sorted(self.seconds)
        return {
            "texts": self.texts,
            "bytes": self.bytes,
            "leak": round(_share(self.leaked_characters, self.gold_characters), 4),
            **total.figures(),
            "document_f1": round(_f(precision, recall, 1.0), 4),
            "false_per_10kB": round(_share(10_000 * self.false, self.bytes), 3),
            "milliseconds_p50": _rank(ordered, 0.5),
            "milliseconds_p95": _rank(ordered, 0.95),
            "entities": {name: count.figures() for name, count in sorted(self.entities.items())},
        }


def cases(lines: Iterable[str]) -> Iterator[Case]:
    """Yield the cases of JSON Lines: {"id", "text", "spans": [{"start", "end", "type"}], "source"?, "labelled"?}.

    Raises Error naming the line that is none.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _case(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            said = str(error) if isinstance(error, _FaultError) else "is not an annotated text"
            hint = 'one {"id","text","spans":[{"start","end","type"}]} a line; source and labelled are optional'
            raise Error(f"line {number}: {said}", hint=hint) from None


class _FaultError(ValueError):
    """What is wrong with a line, in words that quote none of it."""


def _case(item: Mapping[str, object]) -> Case:
    text, spans, labelled = item["text"], item["spans"], item.get("labelled") or ()
    if not isinstance(text, str) or not isinstance(spans, list) or not isinstance(labelled, list | tuple):
        raise TypeError
    found = tuple(Span(int(span["start"]), int(span["end"]), str(span["type"])) for span in spans)
    if any(not 0 <= span.start < span.end <= len(text) for span in found):
        raise _FaultError("a span lies outside its text; offsets are code points")
    return Case(str(item["id"]), text, found, str(item.get("source") or ""), frozenset(map(str, labelled)))


def _characters(spans: Iterable[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}


def _common(a: Span, b: Span) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))


def _overlap(a: Span, b: Span) -> float:
    """Return the characters in both spans over those in either."""
    common = _common(a, b)
    return common / (a.end - a.start + b.end - b.start - common)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _f(precision: float, recall: float, beta: float) -> float:
    below = beta * beta * precision + recall
    return (1 + beta * beta) * precision * recall / below if below else 0.0


def _rank(ordered: Sequence[float], share: float) -> float:
    """Return a percentile in milliseconds, the nearest rank."""
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0
