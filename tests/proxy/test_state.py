"""Tests of the state folder: its keys are made once, whole, and for one user."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from detectors.errors import Error
from proxy.state import KEY_BYTES, key, prepared


def test_key_is_made_at_first_use_where_not_even_the_folder_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".local" / "state" / "lockgate"
    made = key(folder, "audit")
    assert len(made) == KEY_BYTES
    assert key(folder, "audit") == made
    assert key(folder, "fingerprints") != made


def test_key_and_folder_are_for_their_user_alone(tmp_path: Path) -> None:
    key(tmp_path / "state", "audit")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "audit.key").stat().st_mode) == 0o600


def test_many_that_start_together_agree_on_one_key_and_leave_nothing_else(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: key(tmp_path, "audit"), range(64)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused_and_left_alone(tmp_path: Path, size: int) -> None:
    (tmp_path / "audit.key").write_bytes(bytes(size))
    with pytest.raises(Error, match="is not a key of 32 bytes"):
        key(tmp_path, "audit")
    assert (tmp_path / "audit.key").stat().st_size == size


def test_state_that_is_a_file_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(Error, match="cannot be used") as refused:
        prepared(tmp_path / "state")
    assert "state_dir" in refused.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Error, match="cannot be used"):
        prepared(tmp_path)
