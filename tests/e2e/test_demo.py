"""`lockgate demo` shows what it promises, on a machine with nothing set up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).parents[2] / "proxy" / "demo.schema.json"


def test_every_exchange_of_the_demo_goes_as_expected(tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "demo", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=env,
        timeout=120,
    )
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert [one["name"] for one in report["exchanges"] if not one["holds"]] == []
    assert report["ok"]
    assert done.returncode == 0
    blocked = [one for one in report["exchanges"] if one["status"] == 403]
    assert len(blocked) >= 4
    assert all(one["left"] is None for one in blocked)
