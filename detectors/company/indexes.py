"""The indexes of a folder, open; they are read again whole or not at all."""

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from detectors.company import prints, table
from detectors.company.exact import ExactIndex
from detectors.company.found import Index
from detectors.company.hashing import Hasher
from detectors.company.prints import PrintsIndex
from detectors.company.store import SUFFIX, Stored, opened, stamp_of
from detectors.errors import Error, Errors

KINDS: Final[Mapping[str, Callable[[Stored], Index]]] = {table.KIND: ExactIndex, prints.KIND: PrintsIndex}


def index_of(stored: Stored) -> Index:
    """Return a file as what finds by it; raise Error where its kind is not known."""
    try:
        return KINDS[stored.kind](stored)
    except KeyError:
        raise Error(f"{stored.path}: is of an unknown kind", hint=f"known are: {', '.join(KINDS)}") from None


def files(folder: Path) -> list[Path]:
    """Return the index files of a folder, which need not be there."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Error(f"{folder}: cannot be read ({error.strerror})", hint="let the gate's user read it") from None


class Indexes:
    """What is open now. `tags` names the indexes that must be there, each with the tag that its findings have.

    Opening raises Error where a file is damaged, foreign or missing, or names one of no known `entities`. `current` is
    replaced in one step, so that a scan under way ends with what it began with.
    """

    def __init__(
        self, folder: Path, hasher: Hasher, entities: Collection[str], tags: Mapping[str, str] | None = None
    ) -> None:
        self.hasher = hasher
        self._folder = folder
        self._entities = frozenset(entities)
        self._tags = dict(tags or {})
        self.current: Mapping[str, tuple[Index, str]] = self._opened({})

    @property
    def revision(self) -> str:
        """Return the digest of what is in force."""
        return _revision(self.current)

    def reload(self) -> bool:
        """Open again what changed; return whether anything did. An Error leaves everything as it was."""
        before = self.revision
        self.current = self._opened(self.current)
        return self.revision != before

    def _opened(self, before: Mapping[str, tuple[Index, str]]) -> Mapping[str, tuple[Index, str]]:
        errors: list[Error] = []
        found: dict[str, tuple[Index, str]] = {}
        for path in files(self._folder):
            try:
                index = self._index(path, before)
            except Error as error:
                errors.append(error)
                continue
            name = index.stored.name
            if name != path.name.removesuffix(SUFFIX):
                errors.append(Error(f"{path}: holds the index {name}", hint=f"name it {name}{SUFFIX}"))
            found[name] = index, self._tags.get(name) or index.stored.tag
        errors.extend(self._missing(found))
        if errors:
            raise Errors(tuple(errors))
        return found

    def _index(self, path: Path, before: Mapping[str, tuple[Index, str]]) -> Index:
        known = before.get(path.name.removesuffix(SUFFIX))
        if known and known[0].stored.stamp == stamp_of(path):
            return known[0]
        index = index_of(opened(path, self.hasher))
        if unknown := sorted(index.entities - self._entities):
            raise Error(
                f"{path}: a column is called {', '.join(unknown)}, which is no entity",
                hint="`lockgate rules list` and rules/entities.yaml name them; a company's own stand in detectors.rules",
            )
        return index

    def _missing(self, found: Mapping[str, object]) -> Iterator[Error]:
        for name in sorted(self._tags.keys() - found.keys()):
            if not (self._folder / f"{name}{SUFFIX}").exists():
                yield Error(
                    f"detectors.indexes.tags: there is no index {name} in {self._folder}",
                    hint="build it with `lockgate index`, or take its name away",
                )


def _revision(current: Mapping[str, tuple[Index, str]]) -> str:
    digest = blake2b(digest_size=8)
    for name, (index, tag) in sorted(current.items()):
        digest.update(f"{name}\0{index.stored.revision}\0{tag}\n".encode())
    return digest.hexdigest()
