"""Where the indexes of the company's own data lie, and how commands get at them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.errors import Error

if TYPE_CHECKING:
    from detectors.company.hashing import Hasher
    from detectors.company.store import Stored
    from proxy.config import Config

NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the indexes lie, what they are hashed with, and what their columns may be called."""

    config: "Config"
    folder: Path
    hasher: "Hasher"

    @classmethod
    def of(cls, config: "Config") -> "Shelf":
        """Return that of a configuration."""
        from proxy.indexes import folder_of, hasher_of

        return cls(config, folder_of(config), hasher_of(config))

    def path(self, name: str) -> Path:
        """Return the file of an index; raise Error where the name is none."""
        from detectors.company.store import SUFFIX

        if not NAME.fullmatch(name):
            raise Error(
                f"--name {name}: is no name for an index", hint="small letters, digits, dots, hyphens and underscores"
            )
        return self.folder / f"{name}{SUFFIX}"

    def opened(self, name: str) -> "Stored":
        """Return an index; raise Error where there is none, naming those that are there."""
        from detectors.company.indexes import files
        from detectors.company.store import SUFFIX, opened

        path = self.path(name)
        if not path.exists():
            known = ", ".join(file.name.removesuffix(SUFFIX) for file in files(self.folder))
            raise Error(f"there is no index {name} in {self.folder}", hint=f"there are: {known or 'none'}")
        return opened(path, self.hasher)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let no other command change an index meanwhile."""
        from detectors.company.store import alone
        from proxy.state import prepared

        prepared(self.folder)
        with alone(self.folder):
            yield
