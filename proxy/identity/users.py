"""The user file: people with hashed passwords, groups and gateway keys; read strictly, written whole with mode 600."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Hashable
from pathlib import Path

import yaml
from argon2 import PasswordHasher, Type
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from detectors.errors import Error, Errors

KEY_PREFIX = "lg_"
KEY_BYTES = 32


class User(BaseModel):
    """One person or program. `password` is an argon2id hash, `keys` are SHA-256 hashes of gateway keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^:\s\x00-\x1f]+$")
    password: str = Field(default="", repr=False)
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}
    keys: tuple[str, ...] = Field(default=(), repr=False)
    disabled: bool = False

    @field_validator("password")
    @classmethod
    def _is_hash(cls, value: str) -> str:
        if value and not value.startswith("$argon2id$"):
            raise ValueError("is no argon2id hash: set it with `lockgate users passwd NAME`")
        return value

    @field_validator("keys")
    @classmethod
    def _are_hashes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) != 64 or set(key) - set("0123456789abcdef") for key in value):
            raise ValueError("are no SHA-256 hashes: make keys with `lockgate users key NAME`")
        return value


class UserFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: tuple[User, ...] = ()


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
        if len(names) != len(set(names)):
            raise yaml.MarkedYAMLError(problem="a key stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def load(path: Path) -> dict[str, User]:
    """Return the users by name; raise Errors naming what is wrong in which entry, never a value."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Strict)  # noqa: S506 - a SafeLoader
        found = UserFile.model_validate(raw or {})
    except OSError as error:
        hint = "make it with `lockgate users add NAME`"
        raise Error(f"{path}: cannot be read ({error.strerror})", hint=hint) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Error(f"{path}: is not YAML{f' at line {mark.line + 1}' if mark else ''}") from None
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise Errors(
            tuple(Error(f"{path}: {'.'.join(str(part) for part in item['loc'])}: {item['msg']}") for item in faults)
        ) from None
    users = {user.name: user for user in found.users}
    if len(users) != len(found.users):
        raise Error(f"{path}: a user stands twice", hint="keep one entry for each name")
    keys = [key for user in found.users for key in user.keys]
    if len(keys) != len(set(keys)):
        raise Error(
            f"{path}: two users hold the same gateway key", hint="make a new key with `lockgate users key NAME`"
        )
    return users


def save(path: Path, users: dict[str, User]) -> None:
    """Write the file whole, mode 600."""
    entries = [user.model_dump(mode="json", exclude_defaults=True) for user in users.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump({"users": entries}, file, sort_keys=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def hasher() -> PasswordHasher:
    """Return the hasher of passwords: argon2id with the parameters of RFC 9106 for memory-constrained machines."""
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1, type=Type.ID)


def new_key() -> str:
    """Return a new gateway key: its prefix and 32 random bytes."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def key_hash(key: str) -> str:
    """Return what is stored of a gateway key; it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def keyed(key: bytes, *parts: str) -> bytes:
    """Return a keyed hash of strings, for a cache that holds no password."""
    return hmac.digest(key, "\0".join(parts).encode(), "sha256")
