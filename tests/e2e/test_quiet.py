"""The gate phones nobody: every connection of its process goes to loopback, and it writes nothing into HOME."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Provider, gate, settings

WATCH = """
import os, sys
for name in [name for name in os.environ if name in ("CI", "DO_NOT_TRACK") or name.startswith("PYTEST_")]:
    del os.environ[name]
def watch(event, words):
    if event == "socket.connect":
        said = repr(words[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        said = repr(words[0])
    else:
        return
    with open(os.environ["WATCHED"], "a") as log:
        log.write(said + chr(10))
sys.addaudithook(watch)
from proxy.cli.entry import main
sys.exit(main())
"""
CHAT = "https://api.openai.com/v1/chat/completions"
LOCAL = ("('127.0.0.1'", "('::1'", "'127.0.0.1'", "'localhost'", "'::1'", "b'", "'/", "None")


def watched(folder: Path) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {"HOME": str(home), "WATCHED": str(folder / "connects"), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}


def foreign(folder: Path) -> list[str]:
    log = folder / "connects"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if not line.startswith(LOCAL)]


def test_running_gate_connects_to_loopback_alone(tmp_path: Path, upstream: Provider) -> None:
    env = watched(tmp_path)
    config = settings(tmp_path, upstream, detectors={"model": True})
    with gate(tmp_path, config, env=env, program=WATCH) as running, running.client() as client:
        for text in ("Good morning.", "Write to alice.smith" + "@example.com.", "ANSWER-LEAK", "ANSWER-EXFIL"):
            for stream in (False, True):
                body = {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": text}]}
                assert client.post(CHAT, json=body, headers={"authorization": "Bearer k"}).status_code == 200
    assert foreign(tmp_path) == []
    assert list(Path(env["HOME"]).iterdir()) == []


@pytest.mark.parametrize("words", [["demo", "--json"], ["scan", "-"], ["explain", "request.json"], ["rules", "check"]])
def test_command_connects_to_loopback_alone(tmp_path: Path, words: list[str]) -> None:
    env = watched(tmp_path)
    request = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Write to Jane at jane@example.com"}]}
    (tmp_path / "request.json").write_text(json.dumps(request))
    found = subprocess.run(
        [sys.executable, "-c", WATCH, *words],
        input="Write to jane@example.com",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **env},
        timeout=120,
        check=False,
    )
    assert found.returncode in {0, 1}, found.stderr
    assert foreign(tmp_path) == []
    assert [path.name for path in Path(env["HOME"]).iterdir() if path.name != ".local"] == []


def test_watch_sees_a_connection_to_somewhere_else(tmp_path: Path) -> None:
    env = watched(tmp_path)
    program = WATCH.rpartition("from proxy")[0] + (
        "import socket\ns = socket.socket()\ns.settimeout(0.1)\n"
        "try:\n    s.connect(('192.0.2.1', 9))\nexcept OSError:\n    pass\n"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, **env}, timeout=30, check=True)
    assert foreign(tmp_path) == ["('192.0.2.1', 9)"]
