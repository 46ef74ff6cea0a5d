"""Tools that some tests of this folder need and a machine may lack."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def opa() -> Path:
    """The OPA binary that the set-up script installs."""
    found = os.environ.get("LOCKGATE_OPA") or shutil.which("opa")
    if not found:
        pytest.skip("no OPA binary: run deploy/setup tests")
    return Path(found)


@pytest.fixture(scope="session")
def uv() -> Path:
    """uv, from the path or from where the set-up script puts it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = shutil.which("uv", path=f"{os.environ['PATH']}:{cache / 'lockgate' / 'uv' / 'bin'}")
    if not found:
        pytest.skip("no uv: run deploy/setup")
    return Path(found)
