"""Rules over texts: one pass for all keywords, then only the patterns whose keyword is there, then what they demand."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from detectors.errors import Error
from detectors.rules.joined import CodePoints, Joined, batches
from detectors.rules.pattern import Keywords, Pattern, Span, any_of
from detectors.rules.rule import Position, Rule
from detectors.rules.validators import VALIDATORS, entropy

_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_LONGEST_NAME = 64  # how far an assigned name is read backwards from the word that gave it away
_LINE_REACH = 120  # how far a line's decoration is read on either side of a marking
_FRONT_MATTER_REACH = 4096
_DECORATION = b" \t\r\n\xc2\xa0*_#>|=-~`'\"()[]{}<!/\\;:.,+\xe2\x80\x93\x94\xa2\xef\xbb\xbf"
_OF_WHOLE_TEXTS = (Position.START, Position.FRONT_MATTER)


@dataclass(frozen=True, slots=True)
class Hit:
    """A match that stood up to its rule: which text, where in code points, what it is worth."""

    rule: Rule
    text: int
    start: int
    end: int
    score: float
    validated: bool
    value: str = field(repr=False)
    level: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit in bytes of its piece."""

    start: int
    end: int
    score: float
    validated: bool
    value: str = field(repr=False)
    level: str = field(repr=False)


class _Compiled:
    """A rule ready to run; the patterns are compiled when their keyword is first seen."""

    __slots__ = ("_allow", "_allow_key", "_groups", "_key", "_keywords", "_level", "_pattern", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._keywords = tuple(word.encode() for word in rule.keywords)
        self._pattern: Pattern | None = None
        self._allow: Pattern | None = None
        self._allow_key: Pattern | None = None
        self._key = self._level = 0
        self._groups: tuple[int, ...] = ()

    def found(self, data: bytes) -> Iterator[tuple[Span, _Found | None]]:
        """Yield the whole span of every match, with what was found there, or None where the rule refuses it."""
        for spans in self._compiled().spans(data):
            yield spans[0], self._judged(data, spans)

    def _compiled(self) -> Pattern:
        if self._pattern is None:
            pattern = Pattern(self.rule.pattern)
            self._allow, self._allow_key = any_of(self.rule.allow), any_of(self.rule.allow_key)
            indexes = {name: index for index, name in pattern.names.items()}
            self._key, self._level = indexes.get("key", 0), indexes.get("level", 0)
            if "value" in indexes:
                self._groups = (indexes["value"],)
            else:
                self._groups = tuple(i for i in range(1, pattern.groups + 1) if i not in pattern.names)
            self._pattern = pattern  # last, so that another thread sees all or nothing
        return self._pattern

    def _judged(self, data: bytes, spans: tuple[Span, ...]) -> _Found | None:
        rule = self.rule
        whole = data[spans[0][0] : spans[0][1]].lower()
        if not any(word in whole for word in self._keywords):
            return None  # else a keyword in one text of a batch would decide over another
        start, end = next((spans[i] for i in self._groups if spans[i][0] >= 0), spans[0])
        raw = data[start:end]
        if start == end or (self._allow is not None and self._allow.matches(raw)):
            return None
        if self._allow_key is not None and self._allow_key.matches(_name(data, spans[self._key])):
            return None
        if not _placed(rule.position, data, start, end):
            return None
        value = raw.decode("utf-8", "replace")
        if rule.entropy and entropy(value) < rule.entropy:
            return None
        score, validated = rule.score, rule.validated
        if rule.validator:
            if VALIDATORS[rule.validator](value):
                pass
            elif rule.unvalidated:
                score, validated = rule.unvalidated, False
            else:
                return None
        level = data[slice(*spans[self._level])].decode("utf-8", "replace") if self._level else ""
        return _Found(start, end, score, validated, value, level)


def _name(data: bytes, span: Span) -> bytes:
    """Return an assigned name whole: the group and the part of the word before it."""
    start = max(0, span[0])
    floor = max(0, start - _LONGEST_NAME)
    while start > floor and data[start - 1] in _NAME_BYTES:
        start -= 1
    return data[start : span[1]]


def _placed(position: Position, data: bytes, start: int, end: int) -> bool:
    if position is Position.ANYWHERE:
        return True
    if position is Position.START:
        return start <= _LINE_REACH and not data[:start].strip(_DECORATION)
    if position is Position.FRONT_MATTER:
        return _in_front_matter(data, start)
    before = data[max(0, start - _LINE_REACH) : start].replace(b"\\r", b"").replace(b"\\n", b"\n").replace(b"\\t", b" ")
    after = data[end : end + _LINE_REACH].replace(b"\\r", b"").replace(b"\\n", b"\n")
    if (start > _LINE_REACH and b"\n" not in before) or (len(data) - end > _LINE_REACH and b"\n" not in after):
        return False
    return not before.rpartition(b"\n")[2].strip(_DECORATION) and not after.partition(b"\n")[0].strip(_DECORATION)


def _in_front_matter(data: bytes, start: int) -> bool:
    head = data[:_FRONT_MATTER_REACH].lstrip(b"\xef\xbb\xbf \t\r\n")
    opened = len(data[:_FRONT_MATTER_REACH]) - len(head)
    if not head.startswith((b"---\n", b"---\r\n")):
        return False
    closed = head.find(b"\n---", 3)
    return closed >= 0 and opened <= start < opened + closed


class Matcher:
    """Some rules, ready to run over texts from any thread; cost grows linearly with the texts."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        unknown = sorted({rule.validator for rule in rules if rule.validator} - VALIDATORS.keys())
        if unknown:
            raise Error(f"unknown validator {unknown[0]}", hint=f"known: {', '.join(sorted(VALIDATORS))}")
        self._rules = tuple(_Compiled(rule) for rule in rules)
        words = sorted({word for rule in rules for word in rule.keywords})
        self._keywords = Keywords(words)
        self._by_word = tuple(
            tuple(index for index, rule in enumerate(rules) if word in rule.keywords) for word in words
        )

    def hits(self, texts: Sequence[str]) -> list[Hit]:
        """Return what every rule finds in every text, by text, place and rule."""
        found: list[Hit] = []
        for batch in batches(texts):
            wanted = {rule for word in self._keywords.present(batch.data) for rule in self._by_word[word]}
            if wanted:
                found.extend(self._in_batch(batch, sorted(wanted), texts))
        return found

    def _in_batch(self, batch: Joined, wanted: Sequence[int], texts: Sequence[str]) -> Iterator[Hit]:
        pieces: dict[int, list[tuple[_Found, Rule]]] = {}
        for index in wanted:
            compiled = self._rules[index]
            for piece, found in _in_pieces(compiled, batch):
                pieces.setdefault(piece, []).append((found, compiled.rule))
        for piece in sorted(pieces):
            text = batch.first + piece
            points = CodePoints(batch.piece(piece), len(texts[text]))
            hits = sorted(pieces[piece], key=lambda pair: (pair[0].start, pair[0].end, pair[1].id))
            starts = [points.at(found.start) for found, _ in hits]
            points = CodePoints(batch.piece(piece), len(texts[text]))
            stops = {end: points.at(end) for end in sorted({found.end for found, _ in hits})}
            for start, (found, rule) in zip(starts, hits, strict=True):
                end = stops[found.end]
                yield Hit(rule, text, start, end, found.score, found.validated, found.value, found.level)


def _in_pieces(compiled: _Compiled, batch: Joined) -> Iterator[tuple[int, _Found]]:
    """Yield a rule's finds by piece, as if each piece had been looked at alone."""
    if len(batch.starts) == 1:
        yield from ((0, found) for _, found in compiled.found(batch.data) if found is not None)
        return
    if compiled.rule.position in _OF_WHOLE_TEXTS:
        for piece in range(len(batch.starts)):
            yield from ((piece, found) for _, found in compiled.found(batch.piece(piece)) if found is not None)
        return
    kept: list[tuple[int, _Found]] = []
    torn: set[int] = set()
    for (start, end), found in compiled.found(batch.data):
        piece = batch.place(start)
        if end > batch.stops[piece]:  # across a separator: what it hid is looked for again in each piece alone
            torn.update(range(piece, bisect_left(batch.starts, end)))
        elif found is not None:
            offset = batch.starts[piece]
            moved = _Found(
                found.start - offset, found.end - offset, found.score, found.validated, found.value, found.level
            )
            kept.append((piece, moved))
    yield from (pair for pair in kept if pair[0] not in torn)
    for piece in sorted(torn):
        yield from ((piece, found) for _, found in compiled.found(batch.piece(piece)) if found is not None)
