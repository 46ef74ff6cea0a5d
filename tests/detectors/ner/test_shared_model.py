"""One process runs the model for several: the same logits, joined where that gains, and an error where it is gone."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.ner.classifier import TokenClassifier
from detectors.ner.session import Device, Runtime
from detectors.ner.shared import INPUTS, Batcher, ModelGoneError, SharedSession, listen, serve

TEXT = "Maria Keller from Hamburg wrote to Tom Baker at Acme Industries."


class Fake:
    """A model whose logits name their token, and which counts its batches."""

    def __init__(self, batch_tokens: int = 64) -> None:
        self.runtime = Runtime((), "fake", "")
        self.batch_tokens = batch_tokens
        self.batches: list[tuple[int, int]] = []
        self.open = threading.Event()
        self.open.set()

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        self.open.wait(5)
        ids = inputs["input_ids"]
        self.batches.append(ids.shape)
        if (ids == 13).any():
            raise ValueError("unlucky")
        return np.repeat(ids[:, :, None], 3, axis=2).astype(np.float32)


def batch(rows: int, columns: int, value: int = 7) -> dict[str, NDArray[np.int64]]:
    return {name: np.full((rows, columns), value, dtype=np.int64) for name in INPUTS}


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def way(tmp_path: Path, fake: Fake) -> Iterator[SharedSession]:
    path = str(tmp_path / "model.sock")
    with listen(path) as listening:
        threading.Thread(target=serve, args=(listening, fake), daemon=True).start()
        way = SharedSession(path, fake.runtime, fake.batch_tokens)
        yield way
        way.close()
        listening.shutdown(socket.SHUT_RDWR)


def test_logits_come_back_in_their_shape(way: SharedSession) -> None:
    for rows, columns in ((1, 1), (3, 7), (2, 254)):
        answer = way.logits(batch(rows, columns, columns))
        assert answer.shape == (rows, columns, 3)
        assert (answer == columns).all()


def test_what_waits_is_joined_and_parted_again(fake: Fake) -> None:
    fake.open.clear()
    batcher, answers = Batcher(fake), {}

    def ask(columns: int) -> None:
        answers[columns] = batcher.logits(batch(2, columns, columns))

    threads = [threading.Thread(target=ask, args=(columns,)) for columns in (4, 5, 6, 3)]
    for thread in threads:
        thread.start()
        thread.join(0.1)  # the first is under way, the others wait in this order
    fake.open.set()
    for thread in threads:
        thread.join(5)
    assert fake.batches == [(2, 4), (6, 6)]
    for columns, answer in answers.items():
        assert answer is not None
        assert answer.shape == (2, columns, 3)
        assert (answer == columns).all()


def test_what_does_not_fit_has_its_own_turn(fake: Fake) -> None:
    fake.open.clear()
    batcher = Batcher(fake)
    threads = [threading.Thread(target=batcher.logits, args=(batch(1, columns),)) for columns in (4, 40, 40)]
    for thread in threads:
        thread.start()
        thread.join(0.1)
    fake.open.set()
    for thread in threads:
        thread.join(5)
    assert fake.batches == [(1, 4), (1, 40), (1, 40)]


def test_model_that_fails_is_an_error_and_goes_on(way: SharedSession) -> None:
    with pytest.raises(ModelGoneError, match="failed"):
        way.logits(batch(1, 4, 13))
    assert way.logits(batch(1, 4)).shape == (1, 4, 3)


def test_process_that_is_gone_is_an_error(tmp_path: Path) -> None:
    way = SharedSession(str(tmp_path / "nobody.sock"), Runtime((), "fake", ""), 0)
    with pytest.raises(ModelGoneError, match="FileNotFoundError"):
        way.logits(batch(1, 4))


def test_socket_belongs_to_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.sock"
    with listen(str(path)):
        assert path.stat().st_mode & 0o777 == 0o600


def test_classifier_finds_the_same_through_another_process(tmp_path: Path) -> None:
    path = str(tmp_path / "model.sock")
    command = [sys.executable, "-m", "detectors.ner.shared", path, "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"CPUExecutionProvider" in process.stdout.readline()
        here = TokenClassifier(device=Device.CPU)
        there = TokenClassifier(session=SharedSession(path, here.runtime, 0))
        assert there.spans([TEXT, "", TEXT * 40]) == here.spans([TEXT, "", TEXT * 40])
        process.kill()
        with pytest.raises(ModelGoneError):
            there.spans([TEXT])
