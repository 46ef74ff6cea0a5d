"""The model's own process, where workers share one: started and replaced by the nursery, before and beside its forks."""

import json
import subprocess
import sys
import time
from pathlib import Path

import structlog

from detectors.errors import Error
from detectors.ner.session import CUDA_PROVIDER, Runtime, installed
from detectors.ner.shared import SharedSession
from proxy.config import Config

SOCKET = "model.sock"
PAUSE_SECONDS = 1.0  # between two starts
_log = structlog.get_logger("lockgate")


def is_shared(config: Config) -> bool:
    """Say whether a process for the model has to be tried: workers that fork cannot use CUDA each."""
    asked = config.detectors
    if not asked.model:
        return False
    gpu = any(name.startswith("onnxruntime-gpu") for name in installed())
    return asked.model_process == "shared" or (asked.device != "cpu" and (gpu or asked.device == "cuda"))


class Model:
    """The process that runs the model for all workers."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._command = [sys.executable, "-m", "detectors.ner.shared", str(folder / SOCKET), config.detectors.device]
        self._path = str(folder / SOCKET)
        self._always = config.detectors.model_process == "shared"
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def start(self) -> SharedSession | None:
        """Start it and return the way to it, None where it runs on the CPU and each worker may as well run it itself.

        Raise Error where the model cannot run as configured.
        """
        process = self._begin(subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as said:
            line = said.readline()
        if not line:
            raise Error("the model's process ended while it was loading", hint="see the lines above; start again")
        found = json.loads(line)
        if "error" in found:
            raise Error(found["error"])
        if found["provider"] != CUDA_PROVIDER and not self._always:
            self._process = None
            process.kill()
            process.wait()
            return None
        runtime = Runtime(tuple(found["distributions"]), found["provider"], found["reason"], found["fault"])
        return SharedSession(self._path, runtime, found["batch_tokens"])

    def ended(self, pid: int) -> bool:
        """Say whether a child that ended was the model's process, and note it."""
        if self._process is None or self._process.pid != pid:
            return False
        self._process.returncode = 1  # it was waited for elsewhere
        _log.error("model.ended")
        return True

    def look_after(self) -> None:
        """Start the process again where it ended, once a second at most."""
        ended = self._process is not None and self._process.returncode is not None
        if ended and time.monotonic() - self._began > PAUSE_SECONDS:
            self._begin(subprocess.DEVNULL)

    def _begin(self, stdout: int) -> "subprocess.Popen[bytes]":
        self._began = time.monotonic()
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=stdout)  # noqa: S603  # ours
        return self._process
