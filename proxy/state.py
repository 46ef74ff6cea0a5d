"""The state folder: keys that stay on this machine, mode 600 in a folder of mode 700."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from detectors.errors import Error

KEY_BYTES = 32


def prepared(folder: Path) -> Path:
    """Return the state folder, made where it is missing; raise Error where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        hint = "set state_dir to a folder that this user may write"
        raise Error(f"state_dir {folder}: cannot be used ({error.strerror})", hint=hint) from None
    return folder


def key(folder: Path, name: str) -> bytes:
    """Return the key `name`, 32 random bytes, made at first use and equal for every process of this state folder.

    A key appears under its name whole or not at all, so that two processes that start together agree on one.
    """
    path = prepared(folder) / f"{name}.key"
    try:
        if not path.exists():
            _made(path)
        found = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: cannot be used ({error.strerror})", hint="let the gate's user own state_dir") from None
    if len(found) != KEY_BYTES:
        hint = "restore it from a backup; without it old fingerprints cannot be compared"
        raise Error(f"{path}: is not a key of {KEY_BYTES} bytes", hint=hint)
    return found


def _made(path: Path) -> None:
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    with suppress(FileExistsError):  # another process was first: its key holds
        os.link(draft, path)
    draft.unlink()
