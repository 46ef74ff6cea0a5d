"""`lockgate demo`: real requests through a real gate to a stand-in provider, with what was typed and what left."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.cli.options import add_json, print_json

if TYPE_CHECKING:
    from proxy.demo import Shown


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Play all exchanges; exit 1 where an expectation fails."""
    from proxy.demo import play

    with tempfile.TemporaryDirectory(prefix="lockgate-demo-") as folder:
        shown = asyncio.run(play(Path(folder), None if options.json else _print))
    failed = [one for one in shown if not one.holds]
    if options.json:
        print_json({"schema": "lockgate.demo/v1", "ok": not failed, "exchanges": [one.as_json() for one in shown]})
    else:
        sys.stdout.write(f"\n{len(shown) - len(failed)} of {len(shown)} exchanges went as expected\n")
    return 1 if failed else 0


def _print(one: "Shown") -> None:
    left = one.left if one.left is not None else "nothing"
    lines = [
        f"\n{'ok  ' if one.holds else 'FAIL'} {one.name}",
        f"     who      {one.who}",
        f"     typed    {one.typed}",
        f"     left     {left}",
        f"     back     {one.status} {json.dumps(one.back, ensure_ascii=False)[:300]}",
        f"     why      {one.decision or 'no decision was asked for'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
