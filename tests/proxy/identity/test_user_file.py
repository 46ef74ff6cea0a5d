from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import Error
from proxy.identity.users import User, is_key, key_hash, load, new_key, save

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def written(folder: Path, text: str) -> Path:
    path = folder / "users.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_saved_users_load_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    ada = User(name="ada", password=CHEAP.hash("x"), groups=("engineering",), keys=(key_hash(new_key()),))
    bob = User(name="Bjørn", attributes={"site": "north"}, disabled=True)
    save(path, {"ada": ada, "Bjørn": bob})
    assert load(path) == {"ada": ada, "Bjørn": bob}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [other.name for other in tmp_path.iterdir()] == ["users.yaml"]


def test_saving_over_a_readable_file_makes_it_private(tmp_path: Path) -> None:
    path = written(tmp_path, "users: []\n")
    path.chmod(0o644)
    save(path, {})
    assert path.stat().st_mode & 0o777 == 0o600


def test_saving_into_a_missing_folder_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Error, match="cannot be written"):
        save(tmp_path / "gone" / "users.yaml", {})


def test_empty_file_has_no_users(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == {}


def test_user_in_no_group_is_allowed(tmp_path: Path) -> None:
    assert load(written(tmp_path, "users: [{name: ada}]"))["ada"].groups == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("users: [{name: ada}, {name: ada}]", r"users\.1\.name: there is a user of this name", id="double"),
        pytest.param("users: [{name: ada, colour: red}]", r"unknown key users\.0\.colour", id="unknown-key"),
        pytest.param("people: []", "unknown key people", id="unknown-top"),
        pytest.param("users: [{groups: [a]}]", r"users\.0\.name: Field required", id="no-name"),
        pytest.param("users: [{name: 12}]", r"users\.0\.name: Input should be a valid string", id="number-name"),
        pytest.param("users: [{name: no}]", r"users\.0\.name: Input should be a valid string", id="bool-name"),
        pytest.param("users: [{name: 'a:b'}]", r"users\.0\.name: .*colon", id="colon-name"),
        pytest.param("users: [{name: ' a'}]", r"users\.0\.name: ", id="space-name"),
        pytest.param('users: [{name: "a\\nb"}]', r"users\.0\.name: ", id="newline-name"),
        pytest.param("users: [{name: anonymous}]", r"users\.0\.name: .*no credentials", id="reserved"),
        pytest.param("users: [{name: ada, keys: [abc]}]", r"users\.0\.keys\.0: .*no key's hash", id="bad-key-hash"),
        pytest.param("users: [{name: ada, name: bob}]", "each key once at line 1", id="key-twice"),
        pytest.param("users: [", "is not YAML", id="not-yaml"),
        pytest.param("users: !!python/object/apply:os.system [x]", "is not YAML", id="python-tag"),
    ],
)
def test_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Error, match=message):
        load(written(tmp_path, text))


def test_password_in_clear_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"users\.0\.password: .*no Argon2 hash") as caught:
        load(written(tmp_path, "users: [{name: ada, password: tulip-42}]"))
    assert "tulip" not in caught.value.diagnostics()


def test_hash_in_the_place_of_a_key_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        load(written(tmp_path, "users: [{name: ada, $argon2id$v=19$tulip: 1}]"))
    assert "tulip" not in caught.value.diagnostics()


def test_password_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    greedy = "$argon2id$v=19$m=4194304,t=1,p=1$" + "A" * 22 + "$" + "A" * 43
    with pytest.raises(Error, match="asks for more"):
        load(written(tmp_path, f"users: [{{name: ada, password: '{greedy}'}}]"))


def test_key_of_two_users_is_refused(tmp_path: Path) -> None:
    digest = key_hash(new_key())
    text = f"users: [{{name: ada, keys: ['{digest}']}}, {{name: bob, keys: ['{digest}']}}]"
    with pytest.raises(Error, match="belongs to two users"):
        load(written(tmp_path, text))


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        load(written(tmp_path, "users: [{name: ada, colour: 1}, {name: 5}]"))
    assert "users.0.colour" in str(caught.value)
    assert "users.1.name" in str(caught.value)


def test_user_shows_no_hash() -> None:
    user = User(name="ada", password=CHEAP.hash("x"), keys=(key_hash(new_key()),))
    assert "argon2" not in repr(user)
    assert "sha256" not in repr(user)


def test_new_keys_are_keys_and_differ() -> None:
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(map(is_key, keys))


@given(at=st.integers(min_value=3, max_value=51), to=st.characters(codec="ascii", categories=["L", "N"]))
def test_mistyped_key_is_no_key(at: int, to: str) -> None:
    key = new_key()
    changed = key[:at] + to + key[at + 1 :]
    assert is_key(changed) == (changed == key)


@given(st.text(max_size=80))
def test_no_other_text_is_a_key(text: str) -> None:
    assert not is_key(text)
