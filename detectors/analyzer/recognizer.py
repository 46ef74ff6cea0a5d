"""The recognizers' common ground: results that cost little, and stock recognizers run over few places, bounded."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, PatternRecognizer, RecognizerResult

from detectors.analyzer.artifacts import PLAIN, Artifacts, of
from detectors.analyzer.context import Context
from detectors.analyzer.shapes import Index, Shape, beside, everywhere

FLOOR: Final = 0.4  # below it nothing is reported: a bare nine-digit number is not a finding
WITH_CONTEXT: Final = 0.85
_VOUCHED: Final = 0.5


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
        self.index: Index | None = None  # the registry's, which looks for all strong shapes at once
        self._context = context or (Context(*map(str.strip, stock.context)) if stock and stock.context else None)

    @property
    def strong(self) -> list[Shape]:
        """Return the shapes that are worth a look wherever they occur."""
        return [shape for shape in self._shapes if shape.alone >= FLOOR]

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield the values whose shape, checksum and surroundings make them likely enough."""
        seen: set[tuple[int, int]] = set()
        for shape in self._shapes:
            if shape.alone >= FLOOR:
                places = self.index.places(artifacts, shape) if self.index else everywhere(artifacts, shape)
            elif self._context is not None:
                places = beside(artifacts, shape, self._context)
            else:
                continue
            for start, end in places:
                if (start, end) in seen:
                    continue
                seen.add((start, end))
                result = self._judged(artifacts, shape, start, end)
                if result is not None:
                    yield result

    def _judged(self, artifacts: Artifacts, shape: Shape, start: int, end: int) -> Result | None:
        verdict = self._verdict(artifacts.text[start:end])
        if verdict is False:
            return None
        score = shape.alone
        if score < WITH_CONTEXT and self._context and artifacts.near(self._context, start, end):
            score = WITH_CONTEXT
        if score < FLOOR:
            return None
        # A checksum of one digit vouches only for what its shape or a word near it makes likely.
        return self.result(self._entity, start, end, score, validated=verdict is True and score >= _VOUCHED)

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
