"""A company's recognizers from a file in Presidio's own format, stock ones by name or own patterns and word lists."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import presidio_analyzer.predefined_recognizers  # noqa: F401  # Presidio finds its own by name among imported classes
import regex  # type: ignore[import-untyped]
from presidio_analyzer import PatternRecognizer
from presidio_analyzer.input_validation.yaml_recognizer_models import RecognizerRegistryConfig
from presidio_analyzer.recognizer_registry.recognizers_loader_utils import (
    PredefinedRecognizerNotFoundError,
    RecognizerListLoader,
)

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.context import BREAK, Context
from detectors.analyzer.pipeline import LANGUAGE
from detectors.analyzer.recognizer import Recognizer, Result, TimedOutError
from detectors.errors import Error
from detectors.rules.document import read

_FLAGS: Final = int(re.DOTALL | re.MULTILINE | re.IGNORECASE)  # Presidio's own
_SECONDS: Final = 1.0  # for one pattern in one piece of text
_NEAR: Final = 0.35  # what a word near it adds to a score, and what it is worth then at least: Presidio's own
_NEAR_LEAST: Final = 0.4
_PIECE = re.compile(f"[^{BREAK}]+")
_KEY: Final = "detectors.recognizers"
_HINT: Final = "it is written as Presidio's recognizer registry: recognizers: [{name, supported_entity, patterns, …}]"

_WRONG: Final = (  # what a faulty file makes Presidio or a recognizer's constructor raise
    ValueError, TypeError, KeyError, AttributeError, ImportError, OSError, regex.error, PredefinedRecognizerNotFoundError,
)  # fmt: skip


class Own(Recognizer):
    """A recognizer of Presidio's making behind ours: every piece of text by itself, and a timeout is never silence."""

    def __init__(self, made: Any) -> None:
        super().__init__(made.name, made.supported_entities)
        self._made = made
        self._context = Context(*map(str.strip, made.context)) if made.context else None
        plain = isinstance(made, PatternRecognizer) and type(made).analyze is PatternRecognizer.analyze
        self._patterns = _compiled(made) if plain else None

    @property
    def title(self) -> str:
        """Return the name of its entry."""
        return str(self._made.name)

    @property
    def signature(self) -> tuple[object, ...]:
        """Return what it does: a file's entry makes one recognizer a language, often with nothing between them."""
        return (type(self._made), self.title, *self.supported_entities, *(self._context.words if self._context else ()))

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield what it finds."""
        for piece in _PIECE.finditer(artifacts.text):
            for start, end, entity, score, sure in self._in_piece(piece[0], artifacts):
                first, last = piece.start() + start, piece.start() + end
                worth = score
                if not sure and self._context and artifacts.near(self._context, first, last):
                    worth = min(1.0, max(score + _NEAR, _NEAR_LEAST))
                yield self.result(entity, first, last, worth, validated=sure)

    def _in_piece(self, text: str, artifacts: Artifacts) -> Iterator[tuple[int, int, str, float, bool]]:
        if self._patterns is None:
            alone = Artifacts(text, (), artifacts.nlp_engine, LANGUAGE)
            for result in self._made.analyze(text, self._made.supported_entities, alone):
                yield result.start, result.end, result.entity_type, result.score, False
            return
        made, entity = self._made, self._made.supported_entities[0]
        for pattern, score in self._patterns:
            try:
                for match in pattern.finditer(text, timeout=_SECONDS):
                    value = match[0]
                    if not value:
                        continue
                    verdict = made.validate_result(value)
                    if verdict is False or made.invalidate_result(value):
                        continue
                    yield match.start(), match.end(), entity, 1.0 if verdict else score, bool(verdict)
            except TimeoutError:
                raise TimedOutError from None


def load(path: Path, known: Mapping[str, object]) -> list[Recognizer]:
    """Return the enabled recognizers of a file; raise Error naming what is wrong with it.

    `known` is the vocabulary: an entity outside it would have no category that a policy could act on.
    """
    raw = read(path)
    listed = raw.get("recognizers") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(listed, list) or not listed:
        raise Error(f"{_KEY}: {path}: has no list `recognizers`", hint=_HINT)
    languages = sorted({LANGUAGE, *(name for item in listed for name in _languages(item))})
    try:
        checked = RecognizerRegistryConfig.model_validate({**raw, "supported_languages": languages})
        items = [_plain(item) for item in checked.recognizers]
        loader: Any = RecognizerListLoader
        found = [Own(recognizer) for recognizer in loader.get(items, languages, _FLAGS)]
    except _WRONG as error:
        said = str(error).strip().splitlines()
        raise Error(f"{_KEY}: {path}: {'; '.join(said[:3])[:400]}", hint=_HINT) from None
    for recognizer in found:
        unknown = sorted(set(recognizer.supported_entities) - known.keys())
        if unknown:
            hint = "add it to entities.yaml in the folder that detectors.rules names, or use CUSTOM"
            raise Error(f"{_KEY}: {path}: {recognizer.title}: unknown entity {', '.join(unknown)}", hint=hint)
    return list({recognizer.signature: recognizer for recognizer in found}.values())


def _compiled(made: Any) -> list[tuple[Any, float]]:
    return [(regex.compile(pattern.regex, made.global_regex_flags), pattern.score) for pattern in made.patterns]


def _plain(item: Any) -> Any:
    """Return a checked entry as it was written: the defaults of Presidio's model make word lists worth nothing."""
    if isinstance(item, str):
        return item
    return {**item.model_dump(exclude_unset=True, exclude_none=True), "name": item.name, "type": item.type}


def _languages(item: object) -> Iterator[str]:
    """Yield the languages that an entry is filed under; here any recognizer looks at any text."""
    if not isinstance(item, dict):
        return
    if isinstance(single := item.get("supported_language"), str):
        yield single
    for language in item.get("supported_languages") or ():
        name = language.get("language") if isinstance(language, dict) else language
        if isinstance(name, str):
            yield name
