"""Workers that share one process for the model: names are found through it, and nothing passes while it is gone."""

import time
from pathlib import Path

import httpx
import psutil
from running import Gate, Provider, gate, settings

CHAT = "https://api.openai.com/v1/chat/completions"
NAME = "Maria Keller"


def ask(running: Gate, number: int) -> httpx.Response:
    text = f"{number}. My colleague {NAME} lives in Hamburg."
    with running.client() as client:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
        return client.post(CHAT, json=body, headers={"authorization": "Bearer k"})


def model_of(running: Gate) -> psutil.Process | None:
    family = psutil.Process(running.process.pid).children(recursive=True)
    return next((one for one in family if "detectors.ner.shared" in one.cmdline()), None)


def test_workers_share_one_model_and_block_while_it_is_gone(tmp_path: Path, upstream: Provider) -> None:
    detectors = {"model": True, "model_process": "shared", "device": "cpu"}
    with gate(tmp_path, settings(tmp_path, upstream, workers=2, detectors=detectors)) as running:
        for number in range(4):
            assert ask(running, number).status_code == 200
        assert len(upstream.received) == 4
        assert NAME not in upstream.texts
        model = model_of(running)
        assert model is not None
        model.kill()
        assert ask(running, 10).status_code == 403
        assert len(upstream.received) == 4
        until = time.monotonic() + 30
        while ask(running, int(time.monotonic() * 100)).status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert NAME not in upstream.texts
        again = model_of(running)
        assert again is not None
        assert again.pid != model.pid
    _, alive = psutil.wait_procs([again], timeout=10)
    assert alive == []
