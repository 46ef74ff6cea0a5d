"""The one vocabulary of entities: what a finding may be called, in findings, policy, audit and reports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectors.errors import Error, Errors
from detectors.finding import Category
from detectors.rules.document import Fields, read

_FIELDS = ("category", "description", "kind_of", "redaction")


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing that may be found; `kind_of` names the wider entity it belongs to, or is empty."""

    name: str
    category: Category
    description: str
    redaction: str
    kind_of: str = ""


class Entities(Mapping[str, Entity]):
    """The vocabulary by name; asking for an unknown name raises Error."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = dict(entities)

    def __getitem__(self, name: str) -> Entity:
        try:
            return self._entities[name]
        except KeyError:
            raise Error(f"unknown entity {name}", hint="rules/entities.yaml lists the known ones") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entities

    def __iter__(self) -> Iterator[str]:
        return iter(self._entities)

    def __len__(self) -> int:
        return len(self._entities)

    def kinds(self, name: str) -> tuple[str, ...]:
        """Return an entity's name and the names of all its kinds."""
        wide = self[name].name
        return (wide, *(entity.name for entity in self._entities.values() if entity.kind_of == wide))


def load_entities(path: Path, *more: Path) -> Entities:
    """Return the vocabulary of a file and of others that may add to it, never replace; raise Errors naming all faults."""
    errors: list[Error] = []
    found = _read(path, errors)
    for other in more:
        for name, entity in _read(other, errors).items():
            if name in found:
                errors.append(Error(f"{other}: {name}: stands in the shipped vocabulary already"))
            found.setdefault(name, entity)
    for entity in found.values():
        wide = found.get(entity.kind_of)
        if entity.kind_of and (wide is None or wide.kind_of):
            errors.append(Error(f"{path}: {entity.name}: kind_of: {entity.kind_of} is no entity with kinds"))
    if errors:
        raise Errors(tuple(errors))
    return Entities(found)


def _read(path: Path, errors: list[Error]) -> dict[str, Entity]:
    raw = read(path)
    if not isinstance(raw, dict) or not raw:
        raise Error(f"{path}: must be a mapping of entities", hint="rules/README.md describes it")
    found: dict[str, Entity] = {}
    for name, value in raw.items():
        fields = Fields(f"{path}: {name}", value, errors)
        if not isinstance(name, str) or not name.replace("_", "").isalnum() or name != name.upper():
            fields.refuse("", "an entity's name is written in capitals, digits and underscores")
            continue
        category = fields.choice("category", tuple(Category))
        found[name] = Entity(
            name,
            Category(category) if category else Category.PERSONAL,
            fields.text("description"),
            fields.text("redaction", f"<{name}>"),
            fields.text("kind_of", ""),
        )
        fields.done(_FIELDS)
    return found
