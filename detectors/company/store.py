"""The file of an index: a header and arrays that are mapped into memory, under a key, replaced whole or not at all."""

import fcntl
import json
import mmap
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.company.hashing import Hasher
from detectors.errors import Error

type Stamp = tuple[int, int, int]  # inode, bytes, nanoseconds
type Array = NDArray[Any]  # of the type that the header says
type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

SUFFIX: Final = ".index"
VERSION: Final = 1
_MAGIC: Final = b"LOCKGATE INDEX\r\n"
_CHECK_BYTES: Final = 32
_ALIGN: Final = 64
_LONGEST_HEADER: Final = 1_000_000
_PIECE: Final = 1 << 22  # bytes checked or written at a time
_REBUILD: Final = "build it again from its source"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds: `about` is the header's own part, `arrays` lie in the file and cannot be written to."""

    path: Path
    kind: str
    name: str
    tag: str
    built: int  # seconds since 1970
    updated: int
    revision: str  # changes with every byte
    size: int
    about: Mapping[str, Json]
    arrays: Mapping[str, Array]
    stamp: Stamp


def stamp_of(path: Path) -> Stamp | None:
    """Return what changes when a file is replaced or written to, or None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def opened(path: Path, hasher: Hasher) -> Stored:
    """Return what a file holds, every byte checked; raise Error where it is damaged, foreign or of another version."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise Error(f"{path}: is empty", hint=_REBUILD) from None
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})", hint="let the gate's user read it") from None
    header, begin = _header(path, mapped)
    if header.get("key") != hasher.id:
        raise Error(
            f"{path}: was built under another key",
            hint="use the key file that it was built with (detectors.indexes.key_file), or build it again",
        )
    if not secrets.compare_digest(_checked(mapped, hasher), mapped[len(_MAGIC) : len(_MAGIC) + _CHECK_BYTES]):
        raise Error(f"{path}: is damaged: its checksum does not hold", hint=_REBUILD)
    mapped.madvise(mmap.MADV_DONTNEED)  # what was read for the check need not stay
    arrays = {
        name: np.frombuffer(mapped, dtype=kind, count=count, offset=begin + offset)
        for name, (kind, count, offset) in header["arrays"].items()
    }
    return Stored(
        path,
        header["kind"],
        header["name"],
        header["tag"],
        header["built"],
        header["updated"],
        bytes(mapped[len(_MAGIC) : len(_MAGIC) + 8]).hex(),
        len(mapped),
        header["about"],
        arrays,
        (status.st_ino, status.st_size, status.st_mtime_ns),
    )


def _header(path: Path, mapped: mmap.mmap) -> tuple[dict[str, Any], int]:
    start = len(_MAGIC) + _CHECK_BYTES + 8
    if mapped[: len(_MAGIC)] != _MAGIC or len(mapped) < start:
        raise Error(f"{path}: is no index", hint=f"only what `lockgate index` writes may end in {SUFFIX}")
    length = int.from_bytes(mapped[start - 8 : start], "little")
    try:
        if length > min(_LONGEST_HEADER, len(mapped) - start):
            raise ValueError
        header = json.loads(mapped[start : start + length])
        version = header["version"]
    except (ValueError, KeyError, TypeError):
        raise Error(f"{path}: is damaged: its header cannot be read", hint=_REBUILD) from None
    if version != VERSION:
        raise Error(
            f"{path}: is of version {version}, this Lockgate reads version {VERSION}", hint=f"{_REBUILD}, or upgrade"
        )
    return header, _aligned(start + length)


def _checked(mapped: mmap.mmap, hasher: Hasher) -> bytes:
    digest = blake2b(key=hasher.mac_key, digest_size=_CHECK_BYTES)
    with memoryview(mapped) as view:
        for at in range(len(_MAGIC) + _CHECK_BYTES, len(view), _PIECE):
            with view[at : at + _PIECE] as piece:
                digest.update(piece)
    return digest.digest()


def _aligned(place: int) -> int:
    return -(-place // _ALIGN) * _ALIGN


@dataclass(frozen=True, slots=True)
class Draft:
    """What a file is to hold."""

    kind: str
    name: str
    tag: str
    about: Mapping[str, Json]
    arrays: Mapping[str, Array]
    built: int = 0  # now, where it is 0


def save(path: Path, draft: Draft, hasher: Hasher) -> None:
    """Write a file of mode 600 beside `path` and put it in its place, so that a reader sees the old one or the new."""
    now = int(time.time())
    places: dict[str, tuple[str, int, int]] = {}
    offset = 0
    for name, array in draft.arrays.items():
        places[name] = (array.dtype.newbyteorder("<").str, len(array), offset)
        offset = _aligned(offset + array.nbytes)
    header = json.dumps(
        {
            "version": VERSION,
            "kind": draft.kind,
            "name": draft.name,
            "tag": draft.tag,
            "key": hasher.id,
            "built": draft.built or now,
            "updated": now,
            "about": draft.about,
            "arrays": places,
        }
    ).encode()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    digest = blake2b(key=hasher.mac_key, digest_size=_CHECK_BYTES)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_MAGIC + bytes(_CHECK_BYTES))
            written = file.tell()
            for piece in _pieces(header, draft.arrays, written):
                digest.update(piece)
                file.write(piece)
            file.seek(len(_MAGIC))
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror})", hint="mind space and permissions") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _pieces(header: bytes, arrays: Mapping[str, Array], written: int) -> Iterator[bytes | memoryview]:
    head = len(header).to_bytes(8, "little") + header
    yield head + bytes(_aligned(written + len(head)) - written - len(head))
    for array in arrays.values():
        if array.nbytes:
            plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            view = memoryview(plain).cast("B")
            for at in range(0, len(view), _PIECE):
                yield view[at : at + _PIECE]
        yield bytes(_aligned(array.nbytes) - array.nbytes)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time change the indexes of a folder."""
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
