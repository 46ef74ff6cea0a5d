"""The shell scripts: sound by shellcheck, one onnxruntime after the GPU install, and clear words where a tool lacks."""

import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("deploy/setup", "deploy/start", "deploy/test", "deploy/gpu/install", ".ci/run")
PROGRAM = """import sys
from importlib.metadata import distributions
import onnxruntime
found = sorted(d.name for d in distributions() if d.name.startswith("onnxruntime"))
print(sys.argv[1], onnxruntime.KIND, *found)
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_sound(name: str) -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([shellcheck, "--shell=bash", "--severity=style", ROOT / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_stops_at_the_first_fault(name: str) -> None:
    assert "\nset -euo pipefail\n" in (ROOT / name).read_text()


def test_every_script_is_looked_at() -> None:
    found = {path for path in [*(ROOT / "deploy").rglob("*"), *(ROOT / ".ci").rglob("*")] if path.is_file()}
    shell = {path.relative_to(ROOT).as_posix() for path in found if path.read_bytes().startswith(b"#!")}
    assert shell == set(SCRIPTS)


def wheel(folder: Path, name: str, files: Mapping[str, str], version: str = "1.0") -> None:
    """Write a wheel of a few Python files."""
    information = f"{name.replace('-', '_')}-{version}.dist-info"
    held = dict(files) | {
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if "lockgate_program.py" in files:
        held[f"{information}/entry_points.txt"] = "[console_scripts]\nlockgate = lockgate_program:main\n"
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for path, text in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.writerow([path, f"sha256={digest}", len(text.encode())])
    rows.writerow([f"{information}/RECORD", "", ""])
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as packed:
        for path, text in {**held, f"{information}/RECORD": record.getvalue()}.items():
            packed.writestr(path, text)


@pytest.fixture
def project(tmp_path: Path, uv: Path) -> tuple[Path, dict[str, str]]:
    """A project as small as can be with this one's difficulty: two distributions that write the same files."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, kind in (("onnxruntime", "cpu"), ("onnxruntime-gpu", "gpu")):
        wheel(wheels, name, {"onnxruntime/__init__.py": f"KIND = {kind!r}\n"})
    body = "\n".join(f"    {line}" for line in PROGRAM.splitlines())
    wheel(wheels, "lockgate-program", {"lockgate_program.py": f"def main():\n{body}\n"})
    place = tmp_path / "project"
    (place / "deploy" / "gpu").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "gpu" / "install", place / "deploy" / "gpu" / "install")
    (place / "pyproject.toml").write_text(
        '[project]\nname = "small"\nversion = "1"\nrequires-python = ">=3.12,<3.13"\n'
        'dependencies = ["onnxruntime", "lockgate-program"]\n'
        '[project.optional-dependencies]\ngpu = ["onnxruntime-gpu"]\n'
        f'[tool.uv]\npackage = false\nno-index = true\nfind-links = ["{wheels}"]\n'
    )
    environment = {
        "PATH": f"{uv.parent}:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", str(tmp_path)),
        "UV_OFFLINE": "1",
        "UV_PYTHON": sys.executable,
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    subprocess.run([uv, "lock"], cwd=place, env=environment, check=True, capture_output=True)
    return place, environment


@pytest.mark.parametrize("before", ["nothing", "the processor's", "both"])
def test_gpu_install_ends_with_one_onnxruntime_and_its_files_whole(
    project: tuple[Path, dict[str, str]], uv: Path, before: str
) -> None:
    place, environment = project
    if before != "nothing":
        more = ["--extra", "gpu"] if before == "both" else []
        subprocess.run([uv, "sync", "--locked", *more], cwd=place, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        ["bash", place / "deploy" / "gpu" / "install"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "doctor gpu onnxruntime-gpu\n"


def test_gpu_install_of_this_project_plans_the_gpu_s_onnxruntime_alone(uv: Path, tmp_path: Path) -> None:
    sync = re.search(r"^uv (sync .*)$", (ROOT / "deploy" / "gpu" / "install").read_text(), re.MULTILINE)
    assert sync
    words = [word for word in sync[1].split() if word not in {"--locked", "--quiet", "--compile-bytecode"}]
    done = subprocess.run(
        [uv, *words, "--frozen", "--offline", "--dry-run", "--python", sys.executable],
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    planned = re.findall(r"^ \+ (onnxruntime\S*)==", done.stderr, re.MULTILINE)
    assert planned == ["onnxruntime-gpu"]


def test_gpu_install_says_what_to_do_where_uv_is_missing(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    done = subprocess.run(
        [tmp_path / "bash", ROOT / "deploy" / "gpu" / "install"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "deploy/setup" in done.stderr


def test_closing_line_of_continuous_integration_is_the_tests_own_summary() -> None:
    assert (ROOT / ".ci" / "run").read_text().rstrip().splitlines()[-1].startswith("exec bash ")
    assert (ROOT / "deploy" / "test").read_text().rstrip().splitlines()[-1].startswith("step pytest ")
