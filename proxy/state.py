"""The state folder: keys that stay on this machine, mode 600 in a folder of mode 700."""

import os
import secrets
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
    """Return the key `name`, 32 random bytes, made at first use and equal for every process of this state folder."""
    path = folder / f"{name}.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_bytes()
        if len(found) != KEY_BYTES:
            hint = "restore it from a backup; without it old fingerprints cannot be compared"
            raise Error(f"{path}: is not a key of {KEY_BYTES} bytes", hint=hint) from None
        return found
    made = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(made)
    return made
