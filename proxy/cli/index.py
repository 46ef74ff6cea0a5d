"""`lockgate index`: the company's own tables and documents as keyed hashes, by which they are found."""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.errors import Error
from proxy.cli.indexing import build_exact, build_prints, say, update
from proxy.cli.options import add_config, add_json, config_of, print_json, print_table
from proxy.cli.shelf import Shelf

if TYPE_CHECKING:
    from proxy.exchange import Json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    words = "build-exact|build-prints|update|list|check|remove"
    actions = parser.add_subparsers(dest="action", required=True, metavar=words)
    exact = actions.add_parser("build-exact", help="build the index of a table: its rows are found where they are told")
    exact.add_argument(
        "paths", nargs="+", type=Path, metavar="CSV", help="a CSV file whose first line names its columns"
    )
    for role, about in (
        ("primary", "a column that names a row where another of its values stands near"),
        ("support", "a column whose values count near a primary one"),
        ("alone", "a column whose values name a row by themselves, such as a customer number"),
    ):
        exact.add_argument(
            f"--{role}",
            action="append",
            default=[],
            metavar="COLUMN[=ENTITY]",
            help=f"{about}; with an entity its values are found by that name, and can be redacted; may stand several times",
        )
    exact.add_argument("--within", type=int, default=50, metavar="WORDS", help="how near (default: 50)")
    exact.add_argument(
        "--need", type=int, default=1, metavar="COLUMNS", help="how many more columns beside a primary one (default: 1)"
    )
    _dialect(exact)
    prints = actions.add_parser(
        "build-prints", help="build the index of documents: passages copied from them are found"
    )
    prints.add_argument("paths", nargs="+", type=Path, metavar="DIR", help="a folder of documents, or one document")
    for build in (exact, prints):
        build.add_argument("--name", metavar="NAME", help="the index's name (default: that of the file or folder)")
    updating = actions.add_parser("update", help="bring an index up to date, without reading again what did not change")
    updating.add_argument("name", metavar="NAME", help="the index")
    updating.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="CSV files or folders that hold now all that it is to hold"
    )
    updating.add_argument(
        "--add",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="rows or documents to add, or to read again",
    )
    updating.add_argument(
        "--drop", action="append", default=[], type=Path, metavar="PATH", help="rows or documents to take out"
    )
    _dialect(updating)
    for change in (exact, prints, updating):
        change.add_argument("--tag", metavar="TAG", help="what a find is marked as, such as hr.compensation")
    listing = actions.add_parser("list", help="print the indexes, without values")
    check = actions.add_parser("check", help="read every byte of the indexes; exit 1 where one does not hold")
    check.add_argument("names", nargs="*", metavar="NAME", help="the indexes (default: all)")
    remove = actions.add_parser("remove", help="remove an index")
    remove.add_argument("name", metavar="NAME", help="the index")
    for action in (exact, prints, updating, listing, check, remove):
        add_config(action)
        add_json(action)


def _dialect(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--delimiter", default="", metavar="SIGN", help="what divides fields (default: told from the file)"
    )
    action.add_argument(
        "--encoding", default="", metavar="NAME", help="the file's encoding (default: UTF-8, UTF-16 or Windows-1252)"
    )


def run(options: argparse.Namespace) -> int:
    """Do what was asked."""
    shelf = Shelf.of(config_of(options))
    actions: dict[str, Callable[[argparse.Namespace, Shelf], int]] = {
        "build-exact": build_exact,
        "build-prints": build_prints,
        "update": update,
        "list": _list,
        "check": _check,
        "remove": _remove,
    }
    return actions[options.action](options, shelf)


def _rows(shelf: Shelf, names: list[str]) -> Iterator[dict[str, "Json"]]:
    """Yield what the listing shows of each index, the fault of those that do not hold included."""
    from detectors.company.indexes import files, index_of
    from detectors.company.store import SUFFIX, opened

    tags = shelf.config.detectors.indexes.tags
    known = [path.name.removesuffix(SUFFIX) for path in files(shelf.folder)]
    for name in names or [*known, *sorted(tags.keys() - set(known))]:
        row: dict[str, Json] = {"name": name, "kind": "", "tag": tags.get(name, ""), "holds": 0, "bytes": 0}
        row |= {"built": "", "updated": "", "revision": "", "fault": ""}
        path = shelf.path(name)
        try:
            if not path.exists():
                raise Error(f"there is no index {name}")
            stored = opened(path, shelf.hasher)
            index_of(stored)
        except Error as error:
            yield row | {"fault": f"{error}; {error.hint}" if error.hint else str(error)}
            continue
        yield row | {
            "kind": stored.kind,
            "tag": tags.get(name) or stored.tag,
            "holds": stored.about["holds"],
            "bytes": stored.size,
            "built": _day(stored.built),
            "updated": _day(stored.updated),
            "revision": stored.revision,
        }


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _list(options: argparse.Namespace, shelf: Shelf) -> int:
    rows = list(_rows(shelf, []))
    if options.json:
        print_json(rows)
    else:
        columns = ("name", "kind", "tag", "holds", "bytes", "updated", "fault")
        print_table([{key: row[key] or "-" for key in columns} for row in rows])
    return 0


def _check(options: argparse.Namespace, shelf: Shelf) -> int:
    rows = list(_rows(shelf, options.names))
    faults = [row for row in rows if row["fault"]]
    if options.json:
        print_json({"ok": not faults, "indexes": rows})
    else:
        for row in faults:
            sys.stdout.write(f"FAILED {row['fault']}\n")
        sys.stdout.write(f"{len(rows)} indexes, {len(faults)} do not hold\n")
    return 1 if faults else 0


def _remove(options: argparse.Namespace, shelf: Shelf) -> int:
    path = shelf.path(options.name)
    with shelf.changing():
        if not path.exists():
            shelf.opened(options.name)
        path.unlink()
    if options.name in shelf.config.detectors.indexes.tags:
        sys.stderr.write(f"detectors.indexes.tags still names {options.name}: the gate will not start without it\n")
    say(options, {"name": options.name, "removed": str(path)})
    return 0
