"""Where events wait while the log takes none: one file a chain under `state_dir/spool/`, its room kept in advance."""

import fcntl
import os
from pathlib import Path

from proxy.audit.chain import Link, is_sealed
from proxy.audit.file import LineFile
from proxy.audit.lines import parsed

FOLDER = "spool"
TURN = 2000  # lines moved back in one go, so that the event loop is not held for long
SEARCHED = 64 << 20  # bytes at the log's end in which a dead writer's moved lines are looked for
TAIL = 1 << 20  # bytes at the log's end in which the last event is looked for


class Spool:
    """One writer's spool. Its lock tells other starts that its writer lives. Methods raise OSError where they fail."""

    def __init__(self, state_dir: Path, chain: str) -> None:
        self._folder = state_dir / FOLDER
        self._file = LineFile(self._folder / f"{chain}.jsonl")
        self._lock = -1
        self._moved = 0  # bytes that stand in the log already

    def open(self) -> None:
        """Make the file and keep room for it while the disk still has some."""
        if self._lock >= 0:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self._file.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._file.open()
            self._file.ensure_room()
        except OSError:
            os.close(lock)
            raise
        self._lock = lock

    def append(self, line: bytes) -> None:
        """Keep a line."""
        self._file.append(line)

    def ensure_room(self) -> None:
        """Make sure that there is room for more."""
        self._file.ensure_room()

    def replay(self, log: LineFile, turn: int = TURN) -> bool:
        """Move at most `turn` lines to the log, in order; return whether nothing is left."""
        if self._lock < 0:
            return True
        with self._file.path.open("rb") as file:
            file.seek(self._moved)
            for _ in range(turn):
                if not (line := file.readline()):
                    break
                if _is_event(line):
                    log.append(line)
                self._moved = file.tell()
            if self._moved < os.fstat(file.fileno()).st_size:
                return False
        if self._moved:
            os.truncate(self._file.path, 0)
            self._moved = 0
            self._file.open()  # its room went with the content
            self._file.ensure_room()
        return True

    def adopt(self, log: LineFile) -> None:
        """Move to the log what dead writers left in their spools."""
        for path in sorted(self._folder.glob("*.jsonl")):
            if path == self._file.path:
                continue
            try:
                handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                if _is_free(handle):
                    _move(path, log)
                    path.unlink()
            finally:
                os.close(handle)

    def close(self) -> None:
        """Close the file; an empty one goes."""
        if self._lock < 0:
            return
        if os.fstat(self._lock).st_size == 0:
            self._file.path.unlink(missing_ok=True)
        self._file.close()
        os.close(self._lock)
        self._lock = -1


def last_link(path: Path, key: bytes) -> Link | None:
    """Return the place of the last event that is ours in a log, or None where there is none to be read."""
    try:
        for line in reversed(_tail(path, TAIL).splitlines()):
            event = parsed(line) if is_sealed(key, line) else None
            chain = event.get("chain") if event else None
            if isinstance(chain, dict):
                id_, seq, digest = chain.get("id"), chain.get("seq"), chain.get("hash")
                if isinstance(id_, str) and isinstance(seq, int) and isinstance(digest, str):
                    return Link(id_, seq, digest)
    except OSError:
        return None
    return None


def _move(path: Path, log: LineFile) -> None:
    if path.stat().st_size == 0:
        return
    there = set(_tail(log.path, SEARCHED).splitlines(keepends=True))  # its writer may have died while moving them
    with path.open("rb") as file:
        for line in file:
            if _is_event(line) and line not in there:
                log.append(line)


def _is_event(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}\n")


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(handle).st_nlink > 0


def _tail(path: Path, length: int) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - length))
        return file.read()
