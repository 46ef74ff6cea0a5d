"""`lockgate scan`: find personal data, secrets and tags in files or standard input."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.errors import Error
from detectors.finding import Finding, Kind, Role, Scan, Segment
from proxy.cli.options import add_config, add_json, config_of

if TYPE_CHECKING:
    from proxy.wiring import Looks

BATCH = 64
LARGEST = 50_000_000  # bytes of one file
SECONDS = 600.0  # a file may take longer than a request


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths", nargs="*", default=["-"], metavar="PATH", help="files or folders, - for standard input"
    )
    parser.add_argument(
        "--jsonl", action="store_true", help='one {"id","text"} a line in, one {"id","spans"} a line out'
    )
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Scan; exit 1 where something was found."""
    from proxy.wiring import looks_of

    config = config_of(options)
    asked = config.detectors.model_copy(update={"timeout": max(SECONDS, config.detectors.timeout)})
    looks = looks_of(config.model_copy(update={"detectors": asked}))
    try:
        return _lines(options, looks) if options.jsonl else _files(options, looks)
    finally:
        looks.close()


def _spans(scan: Scan) -> list[dict[str, object]]:
    return [
        {
            "start": found.start,
            "end": found.end,
            "type": found.entity,
            "score": round(found.score, 4),
            "detector": found.detector,
            "tag": found.tag,
        }
        for found in scan.findings
    ]


def _lines(options: argparse.Namespace, looks: "Looks") -> int:
    """Answer line by line, in order; what could not be looked at is an error, never an empty answer."""
    batch: list[tuple[object, str]] = []
    found = False
    for number, line in _input_lines(options.paths):
        try:
            item = json.loads(line)
            batch.append((item["id"], item["text"]))
            if not isinstance(item["text"], str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise Error(f"line {number}: is not a JSON object with id and text", hint="one object a line") from None
        if len(batch) == BATCH:
            found |= _answer(batch, looks)
            batch = []
    found |= _answer(batch, looks)
    return 1 if found else 0


def _answer(batch: list[tuple[object, str]], looks: "Looks") -> bool:
    segments = tuple(Segment(str(at), Role.USER, Kind.PROSE, text) for at, (_, text) in enumerate(batch))
    scan = looks.requests.scan_now(segments)
    _complete(scan)
    for at, (identifier, _) in enumerate(batch):
        own = Scan(tuple(item for item in scan.findings if item.ref == str(at)))
        sys.stdout.write(json.dumps({"id": identifier, "spans": _spans(own)}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return bool(scan.findings)


def _complete(scan: Scan) -> None:
    if scan.skipped:
        first = scan.skipped[0]
        raise Error(f"the detector {first.detector} did not look at everything ({first.reason.value})")


def _files(options: argparse.Namespace, looks: "Looks") -> int:
    found = False
    results: list[dict[str, object]] = []
    for name, text in _texts(options.paths):
        scan = looks.requests.scan_now((Segment(name, Role.USER, Kind.PROSE, text),))
        _complete(scan)
        found |= bool(scan.findings)
        if options.json:
            results.append({"path": name, "spans": _spans(scan)})
            continue
        for item in scan.findings:
            sys.stdout.write(_line(name, text, item) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return 1 if found else 0


def _line(name: str, text: str, found: Finding) -> str:
    line = text.count("\n", 0, found.start) + 1
    column = found.start - (text.rfind("\n", 0, found.start) + 1) + 1
    tag = f" {found.tag}" if found.tag else ""
    return f"{name}:{line}:{column}: {found.entity}{tag} ({found.score:.2f}, {found.rule})"


def _input_lines(paths: list[str]) -> Iterator[tuple[int, str]]:
    number = 0
    for path in paths:
        lines = sys.stdin if path == "-" else iter(_read(Path(path)).splitlines())
        for line in lines:
            number += 1
            if line.strip():
                yield number, line


def _texts(paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        if path == "-":
            yield "-", sys.stdin.read()
        elif Path(path).is_dir():
            for file in sorted(Path(path).rglob("*")):
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts):
                    try:
                        yield str(file), _read(file)
                    except Error as error:
                        sys.stderr.write(f"lockgate scan: not looked at: {error}\n")
        else:
            yield path, _read(Path(path))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise Error(f"{path}: is larger than {LARGEST // 10**6} MB", hint="split it")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})", hint="name a file or folder") from None
    except UnicodeDecodeError:
        raise Error(f"{path}: is not UTF-8 text", hint="convert it to text first") from None
