"""The recognizers' common ground: results that cost little, and stock recognizers run over few places, bounded."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import regex  # type: ignore[import-untyped]
from presidio_analyzer import EntityRecognizer, PatternRecognizer, RecognizerResult

from detectors.analyzer.artifacts import DASHES, PLAIN, Artifacts, of
from detectors.analyzer.context import Context

FLOOR: Final = 0.4  # below it nothing is reported: a bare nine-digit number is not a finding
WITH_CONTEXT: Final = 0.85
_SECONDS: Final = 1.0  # of one shape in one text of a few kilobytes, which takes microseconds


class TimedOutError(Exception):
    """A shape took too long, so the text was not looked at whole; it carries no text."""


class Result(RecognizerResult):
    """A result that knows whether something vouches for it; equal to itself alone, so Presidio's merge is cheap."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(
        self, metadata: dict[str, str], entity: str, start: int, end: int, score: float, validated: bool
    ) -> None:
        super().__init__(entity, start, end, score, recognition_metadata=metadata)
        self.validated = validated

    def contained_in(self, other: RecognizerResult) -> bool:
        """Tell whether another result of the same recognizer holds this one; who wins between two is not Presidio's."""
        if self.recognition_metadata is not other.recognition_metadata:
            return False
        inside: bool = other.start <= self.start and self.end <= other.end
        return inside


class Recognizer(EntityRecognizer):
    """A recognizer of ours: it names itself and keeps one metadata mapping for all of its results."""

    def __init__(self, name: str, entities: Sequence[str]) -> None:
        super().__init__(supported_entities=list(entities), name=name, supported_language="en")
        self.metadata = {
            RecognizerResult.RECOGNIZER_NAME_KEY: name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }

    def load(self) -> None:
        """Do nothing: what is needed came with construction."""

    def analyze(self, text: str, entities: Any, nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Return what this recognizer finds in a text."""
        return list(self.found(of(text, nlp_artifacts)))

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield what this recognizer finds."""
        raise NotImplementedError

    def result(self, entity: str, start: int, end: int, score: float, *, validated: bool = False) -> Result:
        """Return a result of this recognizer."""
        return Result(self.metadata, entity, start, end, score, validated)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a value is written. `alone` is its score without a word near it that says what it is.

    `digits` bounds the digits of runs it is looked for in; without it, it is looked for wherever a digit is near.
    """

    pattern: str
    alone: float
    digits: tuple[int, float] | None = None
    compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", regex.compile(self.pattern))


def numeric(pattern: str, alone: float, least: int, most: float = math.inf) -> Shape:
    """Return a shape of digits and single separators."""
    return Shape(pattern, alone, (least, most))


_NOT_IN_NUMBER: Final = r"(?<!\w)(?<!\d[.,])"
_NUMBER_ENDS: Final = r"(?!\w)(?!\.\d)"


def number(*alternatives: str) -> str:
    """Return a pattern of one number that is not a part of a longer one."""
    return rf"{_NOT_IN_NUMBER}(?:{'|'.join(alternatives)}){_NUMBER_ENDS}"


def code(pattern: str, alone: float) -> Shape:
    """Return a shape of letters and digits that is not a part of a longer one."""
    return Shape(rf"(?<![\w{DASHES}])(?:{pattern})(?!\w)", alone)


class Shaped(Recognizer):
    """Shapes, a checksum and context words, the checksum and often the words being a stock recognizer's."""

    def __init__(
        self,
        entity: str,
        *shapes: Shape,
        stock: PatternRecognizer | None = None,
        check: Callable[[str], bool] | None = None,
        context: Context | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            name or (type(stock).__name__ if stock else f"{entity.title().replace('_', '')}Recognizer"), [entity]
        )
        self._entity = entity
        self._shapes = shapes
        self._stock = stock
        self._check = check
        self._context = context or (Context(*map(str.strip, stock.context)) if stock and stock.context else None)

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield the values whose shape, checksum and surroundings make them likely enough."""
        seen: set[tuple[int, int]] = set()
        for shape in self._shapes:
            for start, end in matches(artifacts, shape):
                if (start, end) in seen:
                    continue
                seen.add((start, end))
                verdict = self._verdict(artifacts.text[start:end])
                if verdict is False:
                    continue
                score = shape.alone
                if score < WITH_CONTEXT and self._context and self._context.near(artifacts.text, start, end):
                    score = WITH_CONTEXT
                if score >= FLOOR:
                    # A checksum of one digit vouches only for what its shape or a word near it makes likely.
                    yield self.result(self._entity, start, end, score, validated=verdict is True and score >= 0.5)

    def _verdict(self, value: str) -> bool | None:
        """Return what the checks say of a value; None where there is none."""
        plain = value.translate(PLAIN)
        if self._check is not None and not self._check(plain):
            return False
        if self._stock is None:
            return True if self._check is not None else None
        if self._stock.invalidate_result(plain):
            return False
        verdict: bool | None = self._stock.validate_result(plain)
        return verdict if verdict is not None else (True if self._check is not None else None)


def matches(artifacts: Artifacts, shape: Shape) -> Iterator[tuple[int, int]]:
    """Yield where a shape matches, in runs of digits or near digits; a look one past the end lets it see its border."""
    text = artifacts.text
    pattern = shape.compiled
    if shape.digits is None:
        stretches: Iterator[tuple[int, int]] = iter(artifacts.zones)
    else:
        least, most = shape.digits
        stretches = ((n.start, n.end + 1) for n in artifacts.numbers if least <= n.digits <= most)
    try:
        for start, end in stretches:
            for match in pattern.finditer(text, start, end, timeout=_SECONDS):
                yield match.span()
    except TimeoutError:
        raise TimedOutError from None
