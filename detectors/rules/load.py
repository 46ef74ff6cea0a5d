"""Rule files into rules: every file of a folder read, every field checked, all that is wrong reported together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectors.errors import Error, Errors
from detectors.finding import Category
from detectors.rules.document import Fields, read
from detectors.rules.entities import Entities, Entity, load_entities
from detectors.rules.fields import examples, identified, keywords, pattern, patterns
from detectors.rules.identifier import SURROUNDINGS, Identifier, Surroundings, read_identifiers, read_surroundings
from detectors.rules.rule import Position, Rule
from detectors.rules.scheme import Scheme, read_scheme
from detectors.rules.validators import VALIDATORS

_FIELDS = (
    "id", "entity", "description", "source", "keywords", "pattern", "token", "name", "score", "validated", "validator",
    "unvalidated", "entropy", "allow", "allow_key", "allow_sets", "position", "match", "clean",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Everything that was loaded: the vocabulary, the rules for secrets, the schemes of tags, those for identifiers.

    `shared` are the words that rules for identifiers have in common.
    """

    entities: Entities
    secrets: tuple[Rule, ...]
    schemes: tuple[Scheme, ...]
    personal: tuple[Identifier, ...]
    shared: Surroundings

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of secrets and tags together."""
        return self.secrets + tuple(rule for scheme in self.schemes for rule in scheme.rules)


def load(folder: Path, *more: Path) -> RuleBook:
    """Return the rules of the shipped folder and of others like it; raise Errors naming file, rule and field.

    Others may add entities, rules, schemes and allow sets, never replace one.
    """
    vocabularies = [path for other in more if (path := other / "entities.yaml").is_file()]
    entities = load_entities(folder / "entities.yaml", *vocabularies)
    errors: list[Error] = []
    folders = (folder, *more)
    for other in more:
        if not other.is_dir():
            errors.append(
                Error(f"{other}: is no folder", hint="detectors.rules names a folder with secrets/, tags/ or personal/")
            )
    sets = _allow_sets(folders, errors)
    secrets = tuple(rule for path in _files(folders, "secrets") for rule in _rules(path, entities, sets, errors))
    schemes = tuple(
        scheme for path in _files(folders, "tags") if (scheme := read_scheme(path, entities["TAG"], errors)) is not None
    )
    shared = read_surroundings(folder / "personal" / SURROUNDINGS, errors)
    personal = tuple(
        rule
        for path in _files(folders, "personal")
        if path.name != SURROUNDINGS
        for rule in read_identifiers(path, entities, shared, errors)
    )
    book = RuleBook(entities, secrets, schemes, personal, shared)
    _refuse_duplicates(book, errors)
    if not errors and not (secrets and schemes and personal):
        errors.append(Error(f"{folder}: holds no rules", hint="install lockgate again"))
    if errors:
        raise Errors(tuple(errors))
    return book


def _files(folders: Iterable[Path], name: str) -> list[Path]:
    return [path for folder in folders for path in sorted((folder / name).glob("*.yaml"))]


def _allow_sets(folders: Iterable[Path], errors: list[Error]) -> dict[str, tuple[str, ...]]:
    sets: dict[str, tuple[str, ...]] = {}
    for path in (folder / "allow.yaml" for folder in folders):
        if not path.is_file():
            continue
        try:
            raw = read(path)
        except Error as error:
            errors.append(error)
            continue
        fields = Fields(str(path), raw, errors)
        for name in list(raw) if isinstance(raw, dict) else []:
            sets[str(name)] = sets.get(str(name), ()) + patterns(fields, str(name))
    return sets


def _rules(
    path: Path, entities: Mapping[str, Entity], sets: Mapping[str, tuple[str, ...]], errors: list[Error]
) -> list[Rule]:
    try:
        raw = read(path)
    except Error as error:
        errors.append(error)
        return []
    fields = Fields(str(path), raw, errors)
    found = [_rule(path, item, entities, sets, errors) for item in fields.items("rules")]
    fields.done(("rules",))
    return found


def _rule(
    path: Path, raw: object, entities: Mapping[str, Entity], sets: Mapping[str, tuple[str, ...]], errors: list[Error]
) -> Rule:
    name = raw.get("id") if isinstance(raw, dict) else None
    fields = Fields(f"{path}: {name if isinstance(name, str) else 'a rule without id'}", raw, errors)
    entity = fields.text("entity")
    if entity and entity not in entities:
        fields.refuse("entity", f"{entity} is not in entities.yaml")
    elif entity and entities[entity].category is not Category.SECRET:
        fields.refuse("entity", f"{entity} is no secret")
    allow = patterns(fields, "allow", ())
    for chosen in fields.texts("allow_sets", ("placeholder",)):
        if chosen not in sets:
            fields.refuse("allow_sets", f"{chosen} is none of {', '.join(sorted(sets))}")
        allow += sets.get(chosen, ())
    validator = fields.choice("validator", VALIDATORS, "")
    rule = Rule(
        id=identified(fields),
        file=str(path),
        entity=entity,
        category=Category.SECRET,
        description=fields.text("description"),
        source=fields.text("source"),
        keywords=keywords(fields),
        pattern=pattern(fields),
        score=fields.number("score", 0.01, 1.0),
        validated=fields.flag("validated", False),
        validator=validator,
        unvalidated=fields.number("unvalidated", 0.01, 1.0, 0.0),
        entropy=fields.number("entropy", 0.1, 8.0, 0.0),
        allow=allow,
        allow_key=patterns(fields, "allow_key", ()),
        position=Position(fields.choice("position", tuple(Position), Position.ANYWHERE) or Position.ANYWHERE),
        match=examples(fields, "match"),
        clean=examples(fields, "clean"),
    )
    if rule.unvalidated and not validator:
        fields.refuse("unvalidated", "says nothing without a validator")
    if rule.allow_key and "(?P<key>" not in rule.pattern:
        fields.refuse("allow_key", "needs a group named key in the pattern")
    fields.done(_FIELDS)
    return rule


def _refuse_duplicates(book: RuleBook, errors: list[Error]) -> None:
    seen: dict[str, str] = {}
    for name, file in [(rule.id, rule.file) for rule in book.rules] + [(rule.id, rule.file) for rule in book.personal]:
        if name in seen and name:
            errors.append(Error(f"{file}: {name}: id: stands in {seen[name]} already"))
        seen[name] = file
    tags: dict[str, str] = {}
    for scheme in book.schemes:
        for tag in scheme.levels:
            if tag in tags:
                errors.append(Error(f"{scheme.file}: levels: {tag} stands in {tags[tag]} already"))
            tags[tag] = scheme.file
