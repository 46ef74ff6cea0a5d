"""How values are written: bounded patterns, looked for together, and only where digits or words make them possible."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import regex  # type: ignore[import-untyped]

from detectors.analyzer.artifacts import DASHES, Artifacts
from detectors.analyzer.context import AFTER, BEFORE, Context

_NUMBER_BEGINS: Final = r"(?<!\w)(?<!\d\.)"
_NUMBER_ENDS: Final = r"(?!\w)(?!\.\d)"
_CODE_BEGINS: Final = rf"(?<![\w{DASHES}])"
_CODE_ENDS: Final = r"(?!\w)"
_LONGEST: Final = 64  # characters of any value looked for beside a word
_SECONDS: Final = 1.0  # for one pattern in one text of a few kilobytes, which takes microseconds

type Places = Iterable[tuple[int, int]]


class TimedOutError(Exception):
    """A pattern took too long, so the text was not looked at whole; it carries no text."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How a value is written. `alone` is its score without a word near it that says what it is.

    `digits` is the least number of digits of a shape of digits and single separators; 0 says that it has letters too.
    """

    core: str
    alone: float
    digits: int = 0
    compiled: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        begins, ends = (_NUMBER_BEGINS, _NUMBER_ENDS) if self.digits else (_CODE_BEGINS, _CODE_ENDS)
        object.__setattr__(self, "compiled", regex.compile(f"{begins}(?:{self.core}){ends}"))


def number(core: str, alone: float, digits: int) -> Shape:
    """Return a shape of digits and single separators that is not a part of a longer number."""
    return Shape(core, alone, digits)


def code(core: str, alone: float) -> Shape:
    """Return a shape of letters and digits that is not a part of a longer one."""
    return Shape(core, alone)


class Index:
    """All shapes worth a look wherever they occur: one pass says where any is, each is then tried only there."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._numbers = [shape for shape in shapes if shape.digits]
        self._codes = [shape for shape in shapes if not shape.digits]
        self._digits = min((shape.digits for shape in self._numbers), default=0)
        self._number = re.compile(rf"{_NUMBER_BEGINS}(?=(?:{_either(self._numbers)}){_NUMBER_ENDS})")
        self._code = re.compile(rf"{_CODE_BEGINS}(?=(?:{_either(self._codes)}){_CODE_ENDS})")

    def places(self, artifacts: Artifacts, shape: Shape) -> Places:
        """Return where a shape of the index matches."""
        found: dict[Shape, list[tuple[int, int]]] | None = artifacts.memo.get(self)
        if found is None:
            found = artifacts.memo[self] = self._found(artifacts)
        return found.get(shape, ())

    def _found(self, artifacts: Artifacts) -> dict[Shape, list[tuple[int, int]]]:
        text = artifacts.text
        found: dict[Shape, list[tuple[int, int]]] = {}
        runs = ((run.start, run.end + 1) for run in artifacts.numbers if run.digits >= self._digits)
        for gate, shapes, stretches in (
            (self._number, self._numbers, runs),
            (self._code, self._codes, iter(artifacts.zones)),
        ):
            for start, end in stretches:
                for place in gate.finditer(text, start, end):
                    for shape in shapes:
                        span = _matched(shape, text, place.start(), end)
                        if span:
                            found.setdefault(shape, []).append(span)
        return found


def _either(shapes: Sequence[Shape]) -> str:
    """Return one pattern of several, with the numbers of groups made to fit."""
    parts, groups = [], 0
    for shape in shapes:
        parts.append(re.sub(r"\\([1-9])", lambda reference: rf"\{int(reference[1]) + groups}", shape.core))  # noqa: B023
        groups += re.compile(shape.core).groups
    return "|".join(parts)


def _matched(shape: Shape, text: str, start: int, end: int) -> tuple[int, int] | None:
    try:
        match = shape.compiled.match(text, start, end, timeout=_SECONDS)
    except TimeoutError:
        raise TimedOutError from None
    return match.span() if match else None


def beside(artifacts: Artifacts, shape: Shape, context: Context) -> Iterator[tuple[int, int]]:
    """Yield where a shape matches within reach of a context's words."""
    merged: list[list[int]] = []
    for place in artifacts.places(context):
        start, end = max(0, place - AFTER - _LONGEST), place + BEFORE + _LONGEST
        if merged and start <= merged[-1][1]:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    return _within(artifacts.text, shape, merged)


def everywhere(artifacts: Artifacts, shape: Shape) -> Iterator[tuple[int, int]]:
    """Yield where a shape matches, in runs of digits or near digits."""
    if shape.digits:  # a look one past a run's end lets the shape see its border
        return _within(artifacts.text, shape, ((run.start, run.end + 1) for run in artifacts.numbers))
    return _within(artifacts.text, shape, artifacts.zones)


def _within(text: str, shape: Shape, stretches: Iterable[Sequence[int]]) -> Iterator[tuple[int, int]]:
    try:
        for start, end in stretches:
            for match in shape.compiled.finditer(text, start, end, timeout=_SECONDS):
                yield match.span()
    except TimeoutError:
        raise TimedOutError from None
