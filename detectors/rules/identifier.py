"""Rules of numbers and codes that belong to someone: how they are written, what vouches for them, what names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from detectors.errors import Error
from detectors.finding import Category
from detectors.rules import checks
from detectors.rules.document import Fields, read
from detectors.rules.entities import Entity
from detectors.rules.fields import identified
from detectors.rules.pattern import refusal
from detectors.rules.rule import Example
from detectors.rules.words import Word

SURROUNDINGS: Final = "words.yaml"
_FIELDS = (
    "id", "entity", "country", "description", "source", "words", "groups", "patterns", "near", "whole", "validator",
    "case", "match", "clean",
)  # fmt: skip
_LEAST_EXAMPLES: Final = 1


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a value; `alone` is what it is worth without a word near it, 0: nothing."""

    pattern: str
    alone: float


@dataclass(frozen=True, slots=True)
class Identifier:
    """A rule. `words` name the value itself, `groups` its sort; `near` is its score beside one of its words.

    `whole` is its score where it is all that a text holds; `case` says that capitals and small letters differ.
    """

    id: str
    file: str
    entity: str
    category: Category
    country: str
    description: str
    source: str
    words: tuple[str, ...]
    groups: tuple[str, ...]
    forms: tuple[Form, ...]
    near: float
    whole: float
    validator: str
    case: bool
    match: tuple[Example, ...]
    clean: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Words shared by rules: sorts of numbers by name, names of countries by code, and what says that it is neither."""

    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    countries: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    against: tuple[str, ...] = ()


def read_surroundings(path: Path, errors: list[Error]) -> Surroundings:
    """Return the shared words of a file, noting what is wrong in `errors`."""
    try:
        raw = read(path)
    except Error as error:
        errors.append(error)
        return Surroundings()
    fields = Fields(str(path), raw, errors)
    named = {name: fields.inside(name, fields.mapping(name)) for name in ("groups", "countries")}
    groups, countries = ({key: _phrases(inner, key) for key in inner.names()} for inner in named.values())
    against = _phrases(fields, "against")
    fields.done(("groups", "countries", "against"))
    return Surroundings(MappingProxyType(groups), MappingProxyType(countries), against)


def read_identifiers(
    path: Path, entities: Mapping[str, Entity], shared: Surroundings, errors: list[Error]
) -> tuple[Identifier, ...]:
    """Return the rules of a file, noting what is wrong in `errors`."""
    try:
        raw = read(path)
    except Error as error:
        errors.append(error)
        return ()
    fields = Fields(str(path), raw, errors)
    found = tuple(_rule(path, item, entities, shared, errors) for item in fields.items("rules"))
    fields.done(("rules",))
    return found


def _rule(
    path: Path, raw: object, entities: Mapping[str, Entity], shared: Surroundings, errors: list[Error]
) -> Identifier:
    name = raw.get("id") if isinstance(raw, dict) else None
    fields = Fields(f"{path}: {name if isinstance(name, str) else 'a rule without id'}", raw, errors)
    entity = fields.text("entity")
    category = entities[entity].category if entity in entities else Category.PERSONAL
    if entity and entity not in entities:
        fields.refuse("entity", f"{entity} is not in entities.yaml")
    elif category not in (Category.PERSONAL, Category.SPECIAL):
        fields.refuse("entity", f"{entity} is no personal data")
    country = fields.text("country", "")
    if country and country not in shared.countries:
        fields.refuse("country", f"{country} is none of the countries of {SURROUNDINGS}")
    groups = fields.texts("groups", ())
    for group in groups:
        if group not in shared.groups:
            fields.refuse("groups", f"{group} is none of {', '.join(sorted(shared.groups))}")
    validator = fields.text("validator", "")
    if validator and checks.find(validator) is None:
        fields.refuse(
            "validator", f"{validator} is no check; known: {', '.join(sorted(checks.OWN))}, or stdnum.<module>"
        )
    rule = Identifier(
        id=identified(fields),
        file=str(path),
        entity=entity,
        category=category,
        country=country,
        description=fields.text("description"),
        source=fields.text("source"),
        words=_phrases(fields, "words", ()),
        groups=groups,
        forms=_forms(fields),
        near=fields.number("near", 0.4, 1.0, 0.9),
        whole=fields.number("whole", 0.4, 1.0, 0.0),
        validator=validator,
        case=fields.flag("case", False),
        match=_examples(fields, "match"),
        clean=_examples(fields, "clean"),
    )
    if not (rule.words or rule.groups or any(form.alone for form in rule.forms)):
        fields.refuse("words", "is missing, and no pattern has a score of its own")
    fields.done(_FIELDS)
    return rule


def _forms(fields: Fields) -> tuple[Form, ...]:
    found: list[Form] = []
    patterns = fields.mapping("patterns")
    for pattern, alone in patterns.items():
        if not isinstance(pattern, str) or isinstance(alone, bool) or not isinstance(alone, int | float):
            fields.refuse("patterns", "maps a pattern to its score without a word near it, 0 for nothing")
        elif not 0 <= alone <= 1:
            fields.refuse("patterns", "a score is from 0 to 1")
        elif reason := refusal(pattern):
            fields.refuse("patterns", reason)
        else:
            found.append(Form(pattern, float(alone)))
    if not patterns:
        fields.refuse("patterns", "must not be empty")
    return tuple(found)


def _phrases(fields: Fields, field: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    values = fields.texts(field, default)
    for value in values:
        if not Word(value).parts:
            fields.refuse(field, "holds something without letters")
    return tuple(value for value in values if Word(value).parts)


def _examples(fields: Fields, field: str) -> tuple[Example, ...]:
    """Return examples; in one of `match` the value stands between guillemets."""
    found: list[Example] = []
    for item in fields.items(field):
        if not isinstance(item, str):
            fields.refuse(field, "holds something that is no text")
            continue
        head, opened, rest = item.partition("«")
        value, closed, tail = rest.partition("»")
        if (field == "match") != bool(opened and closed and value):
            fields.refuse(field, "a value to be found stands between « and », and only in match")
            continue
        found.append(Example(head + value + tail, value))
    return tuple(found)
