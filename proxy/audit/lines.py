"""Reading a log line by line, of any size, tolerant of lines that a crash or a full disk has torn."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from detectors.errors import Error
from proxy.audit.interface import Json

LONGEST = 4 << 20  # bytes; no event is longer, so what is longer is not one


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log, without its newline; `number` counts from 1. `event` is None where it cannot be read."""

    path: Path
    number: int
    data: bytes = field(repr=False)
    event: dict[str, Json] | None = field(repr=False)


def lines(paths: Iterable[Path], needles: Iterable[bytes] = ()) -> Iterator[Line]:
    """Give the lines of files in order, `.gz` ones too; empty lines are left out. Raise Error for an unreadable file.

    Only lines that hold all `needles` are parsed and given: most of a search is over before JSON is read.
    """
    wanted = tuple(needles)
    for path in paths:
        for number, data in _raw(path):
            if data and all(needle in data for needle in wanted):
                yield Line(path, number, data, parsed(data))


def parsed(data: bytes) -> dict[str, Json] | None:
    """Return a line's event, or None where it is not one JSON object with each key once."""
    try:
        found = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Json], found) if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _raw(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            number = 0
            torn = False
            while data := file.readline(LONGEST):
                if not torn:
                    number += 1
                    yield number, data.rstrip(b"\r\n")
                torn = not data.endswith(b"\n")
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or "it is cut short"
        raise Error(f"{path}: cannot be read ({why})", hint="name the log with --log, or check its mode") from None
