"""Nothing of the detectors reaches for the network or for somebody's home; nothing heavy is imported early."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

_SCAN = """
import socket, sys, os
def refused(*_):
    raise SystemExit("a connection was tried")
socket.socket.connect = socket.socket.connect_ex = refused
socket.getaddrinfo = socket.create_connection = refused
from detectors.build import build
from detectors.fingerprint import Fingerprinter
from detectors.rules.load import load
from pathlib import Path
from detectors.finding import Kind, Role, Segment
from detectors.ner.session import Device
built = build(Fingerprinter(bytes(32)), load(Path("rules")), device=Device.CPU)
text = "Ada Lovelace <ada@example.co.uk> https://example.com +44 20 7946 0958"
found = {f.entity for f in built.requests.scan([Segment("s", Role.USER, Kind.PROSE, text)]).findings}
assert {"PERSON", "EMAIL_ADDRESS", "URL", "PHONE_NUMBER"} <= found, found
import tldextract
assert tldextract.extract("a.example.co.uk").suffix == "co.uk"
"""

_FORK = """
import os, threading
from detectors.build import build
from detectors.fingerprint import Fingerprinter
from detectors.rules.load import load
from pathlib import Path
from detectors.finding import Kind, Role, Segment
from detectors.ner.session import Device
import numpy, onnxruntime
def threads():
    return len(os.listdir("/proc/self/task"))
before = threads()
built = build(Fingerprinter(bytes(32)), load(Path("rules")), device=Device.CPU)
assert threading.active_count() == 1, threading.enumerate()
assert threads() == before, (before, threads())
child = os.fork()
text = "Please write to Ada Lovelace about it."
found = [(f.start, f.end) for f in built.requests.scan([Segment("s", Role.USER, Kind.PROSE, text)]).findings]
good = found == [(16, 28)]
if child == 0:
    os._exit(0 if good else 3)
assert good, found
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

_LIGHT = """
import sys
import detectors.build, detectors.scanner, detectors.plugins, detectors.overlap, detectors.ner.session
heavy = {"presidio_analyzer", "spacy", "onnxruntime", "tokenizers", "numpy.linalg", "phonenumbers", "tldextract"}
assert not heavy & {"spacy", "presidio_analyzer", "onnxruntime", "tokenizers"} & set(sys.modules), heavy & set(sys.modules)
"""


def _run(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(home)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_a_whole_scan_opens_no_connection_and_leaves_home_empty(tmp_path):
    done = _run(_SCAN, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_loading_starts_no_thread_and_survives_a_fork(tmp_path):
    done = _run(_FORK, tmp_path)
    assert done.returncode == 0, done.stderr


def test_importing_the_seams_loads_nothing_heavy(tmp_path):
    done = _run(_LIGHT, tmp_path)
    assert done.returncode == 0, done.stderr


def test_onnx_runtime_leaves_no_trace_once_the_package_is_imported(tmp_path):
    done = _run("import detectors, onnxruntime", tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
