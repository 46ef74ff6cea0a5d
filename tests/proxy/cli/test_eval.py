"""`lockgate eval detect` measures what the gate finds, by source."""

import json
from pathlib import Path

import pytest

from proxy.cli.entry import main

MAIL = "write to alice.smith" + "@example.com please"
SPAN = {"start": 9, "end": 32, "type": "EMAIL_ADDRESS"}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "lockgate.yaml"
    path.write_text("state_dir: state\ndetectors: {model: false}\n")
    return str(path)


def written(tmp_path: Path, *items: dict[str, object]) -> str:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return str(path)


def test_report_counts_by_source(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(
        tmp_path,
        {"id": 1, "text": MAIL, "spans": [SPAN], "source": "mail"},
        {"id": 2, "text": "Nothing here.", "spans": [], "source": "clean"},
    )
    assert main(["eval", "detect", data, "--config", config, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["sources"]
    assert (report["mail"]["leak"], report["mail"]["f1"]) == (0, 1)
    assert (report["clean"]["found"], report["clean"]["false_per_10kB"]) == (0, 0)
    assert main(["eval", "detect", data, "--config", config]) == 0
    said = capsys.readouterr().out
    assert "mail: 1 texts" in said
    assert "alice" not in said


def test_entities_narrow_what_is_counted(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(tmp_path, {"id": 1, "text": MAIL, "spans": [SPAN]})
    assert main(["eval", "detect", data, "--config", config, "--json", "--entities", "NATIONAL_ID"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"]["all"]["gold"] == 0
    assert main(["eval", "detect", data, "--config", config, "--entities", "PERSONN"]) == 2
    assert "PERSONN" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["nonsense\n", '{"id": 1}\n'])
def test_wrong_file_is_named(content: str, tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.jsonl").write_text(content)
    assert main(["eval", "detect", str(tmp_path / "data.jsonl"), "--config", config]) == 2
    assert "data.jsonl: line 1" in capsys.readouterr().err
    assert main(["eval", "detect", str(tmp_path / "none.jsonl"), "--config", config]) == 2
