"""One process that runs the model for several others: `python -m detectors.ner.shared SOCKET DEVICE`.

CUDA cannot be used after a fork, and one model on the device is enough for all. What is asked at the same time is run as
one batch where the device gains by it. The process ends with the one that started it.
"""

import json
import os
import queue
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.errors import Error
from detectors.ner.session import Device, Runtime, Session
from detectors.ner.weights import MODEL

INPUTS: Final = ("input_ids", "attention_mask", "shape_ids")
_ASKED: Final = struct.Struct("<II")  # rows and columns; INPUTS follow, each as that many 64-bit integers
_ANSWERED: Final = struct.Struct("<III")  # rows, columns and labels, all 0 where it failed; 32-bit floats follow
_MOST: Final = 4_000_000  # numbers of one input
_PATIENCE: Final = 30.0  # seconds for an answer
_WATCH: Final = 0.5  # seconds between two looks at the parent


class ModelGoneError(Exception):
    """The process that runs the model does not answer; what was to be looked at counts as not scanned."""


class Logits(Protocol):
    """What runs a model: `Session` in this process, `SharedSession` in another."""

    runtime: Runtime
    batch_tokens: int

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return the logits of a batch, [batch, tokens, labels]."""


class SharedSession:
    """The model of another process, behind a Unix socket. `logits` may be called from any thread, also after a fork."""

    def __init__(self, path: str, runtime: Runtime, batch_tokens: int) -> None:
        self.runtime = runtime
        self.batch_tokens = batch_tokens
        self._path = path
        self._mine = threading.local()

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return the logits of a batch, [batch, tokens, labels]; raise ModelGoneError where none come."""
        rows, columns = inputs[INPUTS[0]].shape
        try:
            link = self._link()
            link.sendall(_ASKED.pack(rows, columns) + b"".join(inputs[name].tobytes() for name in INPUTS))
            shape = _ANSWERED.unpack(_received(link, _ANSWERED.size))
            if shape[:2] != (rows, columns):
                raise ModelGoneError("the model's process answered that it failed")
            data = _received(link, 4 * shape[0] * shape[1] * shape[2])
        except OSError as error:
            self.close()
            raise ModelGoneError(f"the model's process does not answer ({type(error).__name__})") from None
        return np.frombuffer(data, dtype=np.float32).reshape(shape)

    def _link(self) -> socket.socket:
        link: socket.socket | None = getattr(self._mine, "link", None)
        if link is None or self._mine.process != os.getpid():
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.settimeout(_PATIENCE)
            self._mine.link, self._mine.process = link, os.getpid()
            link.connect(self._path)
        return link

    def close(self) -> None:
        """Close this thread's connection; the next call opens another."""
        link: socket.socket | None = getattr(self._mine, "link", None)
        if link is not None:
            link.close()
            self._mine.link = None


class Batcher:
    """Runs what several connections ask, one batch after the other, and joins what waits up to `batch_tokens`."""

    def __init__(self, session: Logits) -> None:
        self._session = session
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="lockgate-model", daemon=True).start()

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32] | None:
        """Return the logits of a batch, or None where the model failed."""
        asked = _Asked(inputs)
        self._asked.put(asked)
        asked.done.wait()
        return asked.answer

    def _work(self) -> None:
        late: _Asked | None = None
        while True:
            batch, late = self._gathered(late or self._asked.get())
            try:
                answer = self._session.logits(_joined([asked.inputs for asked in batch]))
            except Exception as error:  # noqa: BLE001  # whatever ONNX Runtime raises, the next batch has its turn
                sys.stderr.write(f"the model failed: {type(error).__name__}\n")
                answer = None
            row = 0
            for asked in batch:
                if answer is not None:
                    asked.answer = answer[row : row + asked.rows, : asked.columns]
                row += asked.rows
                asked.done.set()

    def _gathered(self, first: "_Asked") -> "tuple[list[_Asked], _Asked | None]":
        """Return what can be run at once, and what waited but does not fit."""
        batch, rows, columns = [first], first.rows, first.columns
        while rows * columns < self._session.batch_tokens:
            try:
                other = self._asked.get_nowait()
            except queue.Empty:
                break
            wide = max(columns, other.columns)
            if (rows + other.rows) * wide > self._session.batch_tokens:
                return batch, other
            batch.append(other)
            rows, columns = rows + other.rows, wide
        return batch, None


class _Asked:
    """One batch that somebody waits for."""

    def __init__(self, inputs: Mapping[str, NDArray[np.int64]]) -> None:
        self.inputs = inputs
        self.rows, self.columns = inputs[INPUTS[0]].shape
        self.done = threading.Event()
        self.answer: NDArray[np.float32] | None = None


def serve(listening: socket.socket, session: Logits) -> None:
    """Answer every connection until the listening socket is closed."""
    batcher = Batcher(session)
    while True:
        try:
            link, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(link, batcher), daemon=True).start()


def listen(path: str) -> socket.socket:
    """Return a socket at a path, which an earlier process may have left behind; only this user may connect."""
    Path(path).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    listening.listen(64)
    return listening


def main(words: Sequence[str]) -> int:
    """Load the model, say on stdout what it runs on, and answer until the parent is gone."""
    path, device = words
    parent = os.getppid()
    try:
        session = Session(MODEL, Device(device))
    except Error as error:
        _say({"error": error.diagnostics()})
        return 1
    listening = listen(path)
    threading.Thread(target=serve, args=(listening, session), daemon=True).start()
    found = session.runtime
    _say(
        {
            "distributions": list(found.distributions),
            "provider": found.provider,
            "reason": found.reason,
            "fault": found.error,
            "batch_tokens": session.batch_tokens,
        }
    )
    while os.getppid() == parent:
        time.sleep(_WATCH)
    return 0


def _say(said: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _answer(link: socket.socket, batcher: Batcher) -> None:
    with link:
        try:
            while True:
                rows, columns = _ASKED.unpack(_received(link, _ASKED.size))
                if not 0 < rows * columns <= _MOST:
                    return
                size = 8 * rows * columns
                raw = _received(link, size * len(INPUTS))
                numbers = np.frombuffer(raw, dtype=np.int64).reshape(len(INPUTS), rows, columns)
                answer = batcher.logits(dict(zip(INPUTS, numbers, strict=True)))
                if answer is None:
                    link.sendall(_ANSWERED.pack(0, 0, 0))
                else:
                    link.sendall(_ANSWERED.pack(*answer.shape) + answer.tobytes())
        except OSError:
            return


def _joined(inputs: Sequence[Mapping[str, NDArray[np.int64]]]) -> Mapping[str, NDArray[np.int64]]:
    """Return several batches as one, padded to the longest."""
    if len(inputs) == 1:
        return inputs[0]
    longest = max(one[INPUTS[0]].shape[1] for one in inputs)
    return {
        name: np.concatenate([np.pad(one[name], ((0, 0), (0, longest - one[name].shape[1]))) for one in inputs])
        for name in INPUTS
    }


def _received(link: socket.socket, size: int) -> bytes:
    """Return exactly so many bytes; raise ConnectionError where the other end is gone before."""
    data = bytearray()
    while len(data) < size:
        more = link.recv(min(size - len(data), 1 << 20))
        if not more:
            raise ConnectionError("the connection ended")
        data += more
    return bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
