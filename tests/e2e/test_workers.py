"""Several workers: one set of ports, one sum of figures, every worker replaced, none left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from running import Gate, Provider, gate, provider, settings

from proxy.standin.provider import echo

CLEAN = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Good morning"}]}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("workers-provider"), echo) as standin:
        yield standin


@pytest.fixture(scope="module")
def workers(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("workers")
    with gate(folder, settings(folder, upstream, workers=2)) as running:
        yield running


def ask(running: Gate) -> int:
    with running.client() as client:
        return client.post("https://api.openai.com/v1/chat/completions", json=CLEAN).status_code


def status(running: Gate) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"{running.console}/readyz", trust_env=False).json()
    return found


def counted(running: Gate) -> float:
    text = httpx.get(f"{running.console}/metrics", trust_env=False).text
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("lockgate_exchanges_total")
    )


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def pids(running: Gate) -> dict[str, int]:
    """Each chain in the audit and the process that writes it."""
    events = [json.loads(line) for line in running.audit.read_text().splitlines()]
    return {event["chain"]["id"]: int(event["gate"]["worker"]) for event in events if event["kind"] == "genesis"}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_both_workers_judge_and_their_figures_are_summed(workers: Gate) -> None:
    before, events = counted(workers), len(workers.events())
    for _ in range(40):
        assert ask(workers) == 200
    assert len({event["chain"]["id"] for event in workers.events(events + 40)[events:]}) == 2
    assert counted(workers) - before == 40
    assert status(workers)["workers"] == {"configured": 2, "ready": 2}


def test_console_has_a_worker_look_at_texts(workers: Gate) -> None:
    long = "Write to alice.smith" + "@example.com. " + "é" * 100_000
    for text in ("Write to alice.smith" + "@example.com.", long):
        answer = httpx.post(f"{workers.console}/analyze", json={"text": [text, "Hello"]}, trust_env=False, timeout=30)
        assert [[item["entity_type"] for item in each] for each in answer.json()] == [["EMAIL_ADDRESS"], []]


def test_audit_of_all_workers_is_proven_by_one_command(workers: Gate) -> None:
    ask(workers)
    config = str(workers.folder / "lockgate.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "audit", "verify", "--config", config], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_killed_worker_is_replaced_and_what_it_counted_stays(workers: Gate) -> None:
    for _ in range(20):
        ask(workers)
    before, known = counted(workers), pids(workers)
    victim = next(pid for pid in known.values() if alive(pid))
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(pids(workers)) > len(known) and status(workers)["workers"] == {"configured": 2, "ready": 2})
    assert counted(workers) == before
    for _ in range(20):
        assert ask(workers) == 200
    assert counted(workers) == before + 20
    assert "worker.ended" in workers.errors.read_text()


def test_hung_worker_is_replaced(upstream: Provider, tmp_path: Path) -> None:
    config = settings(tmp_path, upstream, workers=2)
    program = (
        "import sys, proxy.workers.supervisor as s; s.SILENT_SECONDS = 2.5\n"
        "from proxy.cli.entry import main; sys.exit(main(sys.argv[1:]))"
    )
    with gate(tmp_path, config, program=program) as running:
        known = pids(running)
        os.kill(next(iter(known.values())), signal.SIGSTOP)
        until(lambda: len(pids(running)) > len(known))
        until(lambda: status(running)["workers"] == {"configured": 2, "ready": 2})
        assert ask(running) == 200
        assert "worker.hangs" in running.errors.read_text()


def test_workers_end_with_a_supervisor_that_is_killed(upstream: Provider, tmp_path: Path) -> None:
    with gate(tmp_path, settings(tmp_path, upstream, workers=2)) as running:
        known = pids(running)
        running.process.kill()
        until(lambda: not any(alive(pid) for pid in known.values()))
    with socket.create_server(("127.0.0.1", int(running.ready["forward"].rsplit(":", 1)[1]))):
        pass  # the port is free


def test_stopping_ends_every_process_and_closes_every_chain(upstream: Provider, tmp_path: Path) -> None:
    with gate(tmp_path, settings(tmp_path, upstream, workers=2)) as running:
        known = pids(running)
    assert running.process.returncode == 0
    assert not any(alive(pid) for pid in known.values())
    events = [json.loads(line) for line in running.audit.read_text().splitlines()]
    assert {event["chain"]["id"] for event in events if event["kind"] == "close"} == set(known)


def started(folder: Path, config: dict[str, object], *more: str) -> subprocess.CompletedProcess[str]:
    path = folder / "lockgate.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "proxy", "run", "--config", str(path), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_port_that_is_shared_by_another_program_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = settings(tmp_path, workers=2)
        config["listen"]["forward"] = address
        done = started(tmp_path, config)
    assert done.returncode == 2
    assert re.search(rf"listen\.forward: {address} is in use.*\n?.*another port", done.stderr)


def test_fault_that_only_workers_meet_ends_the_start_with_its_advice(tmp_path: Path) -> None:
    done = started(tmp_path, settings(tmp_path, workers=2, policy={"engine": "server", "url": "http://127.0.0.1:9"}))
    assert done.returncode == 2
    assert "lockgate ready" not in done.stdout
    assert "policy" in done.stderr


@pytest.mark.parametrize("number", ["0", "65", "-1"])
def test_senseless_number_of_workers_is_refused(tmp_path: Path, number: str) -> None:
    done = started(tmp_path, settings(tmp_path), f"--workers={number}")
    assert done.returncode == 2
    assert f"--workers {number}" in done.stderr
