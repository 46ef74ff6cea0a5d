"""A row of the company's pay table and a passage of its memo stop at the gate, but not those whom the policy lets."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from argon2 import PasswordHasher
from running import Gate, Provider, gate, settings
from test_reload import CHAT, until

TIERS = "openai: api\nanthropic: api\ngoogle: paid\nchatgpt: unknown\nclaude_ai: unknown\ngemini_app: unknown\n"
PAY = "name,id,salary\nAnna Stone,Q-10423,71250\nBob Lind,Q-10424,70000\n"
MEMO = (
    "The board agreed to close the plant in Ilmenau by the end of March and to offer every employee a post in Leipzig."
)
ROW = "Is it fair that anna stone gets 71,250?"


def index(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "proxy", "index", *words, "--config", str(folder / "lockgate.yaml"), "--json"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def asked(running: Gate, user: str, text: str) -> int:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    with running.client(user) as client:
        return client.post(CHAT, json=body, headers={"authorization": "Bearer k"}).status_code


@pytest.mark.parametrize("workers", [1, 2])
def test_pay_row_is_blocked_for_an_engineer_and_passes_for_hr(tmp_path: Path, upstream: Provider, workers: int) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    groups = {"erin": ["engineering"], "hanna": ["hr"]}
    users = [{"name": n, "password": hasher.hash(n + n), "groups": group} for n, group in groups.items()]
    (tmp_path / "users.yaml").write_text(yaml.safe_dump({"users": users}))
    (tmp_path / "users.yaml").chmod(0o600)
    (tmp_path / "company" / "tiers").mkdir(parents=True)
    (tmp_path / "company" / "tiers" / "data.yaml").write_text(TIERS)
    (tmp_path / "pay.csv").write_text(PAY)
    people, policy = {"users": str(tmp_path / "users.yaml")}, {"data": str(tmp_path / "company")}
    config = settings(tmp_path, upstream, identity=people, policy=policy, workers=workers)
    config["detectors"]["indexes"] = {"tags": {"pay": "hr.compensation"}}
    (tmp_path / "lockgate.yaml").write_text(yaml.safe_dump(config))
    index(tmp_path, "build-exact", str(tmp_path / "pay.csv"))
    with gate(tmp_path, config) as running:
        assert asked(running, "erin:erinerin", "Is Anna Stone in today?") == 200
        assert asked(running, "erin:erinerin", MEMO) == 200
        upstream.received.clear()
        assert asked(running, "erin:erinerin", ROW) == 403
        assert "71,250" not in upstream.texts
        assert asked(running, "hanna:hannahanna", ROW) == 200
        assert "71,250" in upstream.texts
        (tmp_path / "memo.txt").write_text(MEMO)
        index(tmp_path, "build-prints", str(tmp_path / "memo.txt"), "--tag", "legal.contract")
        running.process.send_signal(signal.SIGHUP)
        until(lambda: {asked(running, "erin:erinerin", f"Shorten: {MEMO}") for _ in range(4)} == {403})
        path = tmp_path / "state" / "indexes" / "pay.index"
        path.unlink()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: status(running)["refused"])
        assert {asked(running, "erin:erinerin", ROW) for _ in range(4)} == {403}
    event = running.event(running.events()[-1]["exchange"]["id"])
    assert "hr.compensation" in str(event)
    assert "Stone" not in running.audit.read_text() + running.errors.read_text()


def status(running: Gate) -> dict[str, str]:
    import httpx

    found: dict[str, str] = httpx.get(f"{running.console}/readyz", trust_env=False).json()["indexes"]
    return found


def test_gate_does_not_start_without_an_index_that_must_be_there(tmp_path: Path, upstream: Provider) -> None:
    config = settings(tmp_path, upstream)
    config["detectors"]["indexes"] = {"tags": {"pay": "hr.compensation"}}
    with pytest.raises(AssertionError, match="there is no index pay"), gate(tmp_path, config):
        pass
