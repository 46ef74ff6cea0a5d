"""Every rule against its own examples, and what is loaded: the results behind `lockgate rules check` and `list`."""

from collections.abc import Iterable
from dataclasses import dataclass

from detectors.errors import Error
from detectors.finding import Category
from detectors.rules.expand import expanded
from detectors.rules.identifier import Identifier, Surroundings
from detectors.rules.identifiers import Identifiers
from detectors.rules.load import RuleBook
from detectors.rules.matcher import Hit, Matcher
from detectors.rules.rule import Example, Rule
from detectors.tags import known_tags, tag_of


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that did not go as its rule says; `number` counts from one within `match` or `clean`."""

    file: str
    rule: str
    list: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.list} {self.number}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check went through, and what failed."""

    rules: int
    examples: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A loaded rule in one row: `tags` are those it can give."""

    id: str
    entity: str
    score: float
    validated: bool
    description: str
    source: str
    file: str
    tags: tuple[str, ...] = ()


def check(book: RuleBook) -> Report:
    """Run each rule alone over its own examples: every `match` must hit with the named value, no `clean` may."""
    known = known_tags(book.schemes)
    failures = [failure for rule in book.rules for failure in _failures(rule, known)]
    failures += [failure for rule in book.personal for failure in _failures_of(rule, book.shared)]
    examples = sum(len(rule.match) + len(rule.clean) for rule in book.rules)
    examples += sum(len(rule.match) + len(rule.clean) for rule in book.personal)
    return Report(len(book.rules) + len(book.personal), examples, tuple(failures))


def listing(book: RuleBook) -> tuple[Listed, ...]:
    """Return the loaded rules in the order of their files."""
    return tuple(
        Listed(
            rule.id,
            rule.entity,
            rule.score,
            bool(rule.validated or rule.validator),
            rule.description,
            rule.source,
            rule.file,
            (rule.tag,) if rule.tag else tuple(dict.fromkeys(rule.tags.values())),
        )
        for rule in book.rules
    ) + tuple(
        Listed(rule.id, rule.entity, rule.near, bool(rule.validator), rule.description, rule.source, rule.file)
        for rule in book.personal
    )


def _failures(rule: Rule, known: frozenset[str]) -> Iterable[Failure]:
    matcher = Matcher([rule])
    for name, examples in (("match", rule.match), ("clean", rule.clean)):
        for number, example in enumerate(examples, 1):
            try:
                text = expanded(example.text)
                hits = _standing(matcher.hits([text]), known)
                reason = _missed(rule, example, text, hits) if name == "match" else _wrong(hits)
            except Error as error:
                reason = str(error)
            if reason:
                yield Failure(rule.file, rule.id, name, number, reason)


def _failures_of(rule: Identifier, shared: Surroundings) -> Iterable[Failure]:
    identifiers = Identifiers([rule], shared)
    for number, example in enumerate(rule.match, 1):
        found = {example.text[hit.start : hit.end] for hit in identifiers.hits(example.text)}
        if example.value not in found:
            reason = "is found, but not with the value named" if found else "is not found"
            yield Failure(rule.file, rule.id, "match", number, reason)
    for number, example in enumerate(rule.clean, 1):
        if identifiers.hits(example.text):
            yield Failure(rule.file, rule.id, "clean", number, "is found, and must not be")


def _standing(hits: Iterable[Hit], known: frozenset[str]) -> list[tuple[Hit, str]]:
    """Return the hits with their tags; a marking that stands for no tag is no hit."""
    tagged = ((hit, tag_of(hit, known) if hit.rule.category is Category.TAG else "") for hit in hits)
    return [(hit, tag) for hit, tag in tagged if tag or hit.rule.category is not Category.TAG]


def _missed(rule: Rule, example: Example, text: str, hits: list[tuple[Hit, str]]) -> str:
    if not hits:
        return "is not found"
    if example.value and expanded(example.value) not in {text[hit.start : hit.end] for hit, _ in hits}:
        return "is found, but not with the value named"
    if example.tag and example.tag not in {tag for _, tag in hits}:
        return f"is found, but not as {example.tag}"
    if not any(hit.score >= rule.score for hit, _ in hits):
        return "is found, but its validator refuses it"
    return ""


def _wrong(hits: list[tuple[Hit, str]]) -> str:
    return "is found, and must not be" if hits else ""
