"""The systemd unit: systemd reads it without complaint, it is confined, and it starts what there is."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.cli.entry import parser_of

PLACE = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = PLACE / "lockgate.service"
MOST_EXPOSED = 15  # tenths, of 100; what is left is the network, without which there is no gate
NEEDED = {
    "PrivateNetwork",  # it is a proxy
    "RestrictAddressFamilies_AF_INET_INET6",
    "RestrictAddressFamilies_AF_UNIX",  # an OPA child process is asked over a socket file
    "IPAddressDeny",  # providers' addresses change
    "RootDirectoryOrRootImage",  # it runs from /opt/lockgate
    "PrivateUsers",
    "MemoryDenyWriteExecute",  # wasmtime
    "DeviceAllow",  # ProtectClock lets the clock be read
}


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("no systemd-analyze on this machine")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there, as systemd checks for one."""
    copy = tmp_path / "lockgate.service"
    copy.write_text(UNIT.read_text().replace("/opt/lockgate/.venv/bin/lockgate", "/bin/true"))
    return copy


def setting(name: str, path: Path = UNIT) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", path.read_text(), re.MULTILINE)
    assert isinstance(value, str)
    return value


def run(*words: object) -> subprocess.CompletedProcess[str]:
    said: Sequence[str] = [str(word) for word in words]
    return subprocess.run(said, capture_output=True, text=True, timeout=60)


def verify(analyze: str, path: Path) -> str:
    """What systemd complains of in this unit; what it says of the machine's other units does not count."""
    done = run(analyze, "verify", "--man=no", "--recursive-errors=no", path)
    return "\n".join(line for line in done.stderr.splitlines() if "lockgate" in line)


def test_systemd_has_nothing_to_complain_of(analyze: str, unit: Path) -> None:
    assert verify(analyze, unit) == ""


def test_systemd_complains_of_a_misspelt_setting(analyze: str, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in verify(analyze, unit)


def test_gpu_drop_in_is_read_without_complaint(analyze: str, unit: Path) -> None:
    folder = unit.parent / "lockgate.service.d"
    folder.mkdir()
    shutil.copy(PLACE / "lockgate-gpu.conf", folder / "gpu.conf")
    assert verify(analyze, unit) == ""


def test_unit_is_confined_but_for_what_a_gate_needs(analyze: str, unit: Path) -> None:
    done = run(analyze, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--json=short", unit)
    assert done.returncode == 0, "more exposed than it was"
    rows = json.loads(done.stdout)
    exposed = {row["json_field"] for row in rows if row["set"] is False and float(row["exposure"] or 0) > 0}
    assert exposed <= NEEDED


def test_unit_starts_a_command_line_that_the_program_reads() -> None:
    program, name, *words = shlex.split(setting("ExecStart"))
    assert program == "/opt/lockgate/.venv/bin/lockgate"
    assert str(parser_of(name).parse_args(words).config) == "/etc/lockgate/lockgate.yaml"


def test_unit_gives_the_gate_a_state_folder_where_its_default_lies() -> None:
    home = dict(item.split("=") for item in setting("Environment").split())["HOME"]
    assert home == f"/var/lib/{setting('StateDirectory')}"
    assert setting("StateDirectoryMode") == "0700"


def test_unit_waits_for_a_drain_to_end() -> None:
    from proxy.workers.supervisor import STOP_SECONDS

    assert int(setting("TimeoutStopSec")) > STOP_SECONDS


def test_forbidden_system_call_is_refused_and_does_not_end_the_gate() -> None:
    assert setting("SystemCallErrorNumber") == "EPERM"


def test_gpu_drop_in_opens_only_the_devices_of_the_gpu() -> None:
    text = (PLACE / "lockgate-gpu.conf").read_text()
    assert set(re.findall(r"^DeviceAllow=char-(\S+) rw$", text, re.MULTILINE)) == {
        *("nvidia-frontend", "nvidia-uvm", "nvidia-caps")
    }
    assert "DevicePolicy" not in text
    assert setting("PrivateDevices", PLACE / "lockgate-gpu.conf") == "no"
