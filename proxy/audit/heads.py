"""Where each chain stands, kept beside the key and apart from the log, so that a log cut short is seen.

One small file a chain under `state_dir/audit.heads/`, overwritten in place after every event and locked while its
writer lives. The next chain's first event names the heads of dead chains as anchors; then their files go.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.audit.chain import Link

FOLDER = "audit.heads"
WIDTH = 320  # bytes; an overwrite in place needs no room on a full disk
ANCHORED = 64  # dead chains that one genesis names


@dataclass(frozen=True, slots=True)
class Standing:
    """A chain's last place, and whether its writer closed it."""

    link: Link
    closed: bool = False


class Head:
    """The head of a living chain; the lock on its file says that the writer lives."""

    def __init__(self, folder: Path, key: bytes, standing: Standing) -> None:
        self._key = key
        self._path = folder / f"{standing.link.id}.json"
        draft = self._path.with_suffix(".new")
        self._handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            self.write(standing)
            draft.rename(self._path)  # never seen without its lock and its content
        except OSError:
            os.close(self._handle)
            draft.unlink(missing_ok=True)
            raise

    def write(self, standing: Standing) -> None:
        """Overwrite the head; raise OSError where that fails."""
        text = _sealed(self._key, standing)
        if os.pwrite(self._handle, text, 0) != len(text):
            raise OSError(28, "short write")

    def remove(self) -> None:
        """Take the file away: the chain never began."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the lock; the file stays for the next chain."""
        os.close(self._handle)


def read(folder: Path, key: bytes) -> tuple[tuple[Standing, ...], tuple[Path, ...]]:
    """Return all heads, and the files that are no heads or were changed."""
    found: list[Standing] = []
    bad: list[Path] = []
    for path in sorted(folder.glob("*.json")):
        try:
            text = path.read_bytes()
        except FileNotFoundError:  # its chain was anchored meanwhile
            continue
        except OSError:
            bad.append(path)
            continue
        standing = _opened(key, text)
        if standing is None or standing.link.id != path.stem:
            bad.append(path)
        else:
            found.append(standing)
    return tuple(found), tuple(bad)


@contextmanager
def dead(folder: Path, key: bytes) -> Iterator[dict[Path, Standing]]:
    """Give the heads of chains whose writers are gone, held so that no other start anchors them too."""
    held: list[int] = []
    found: dict[Path, Standing] = {}
    try:
        for path in sorted(folder.glob("*.json"))[: 4 * ANCHORED]:
            if len(found) == ANCHORED:
                break
            try:
                handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                continue
            held.append(handle)
            standing = _opened(key, os.pread(handle, WIDTH * 2, 0)) if _locked(handle) else None
            if standing and standing.link.id == path.stem:
                found[path] = standing
        yield found
    finally:
        for handle in held:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(handle).st_nlink > 0  # another start may have anchored and removed it just now


def _sealed(key: bytes, standing: Standing) -> bytes:
    link, closed = standing.link, "true" if standing.closed else "false"
    text = f'{{"id":"{link.id}","seq":{link.seq},"hash":"{link.hash}","closed":{closed},"mac":"{_mac(key, standing)}"}}'
    return text.ljust(WIDTH - 1).encode() + b"\n"


def _opened(key: bytes, text: bytes) -> Standing | None:
    try:
        body = json.loads(text)
        standing = Standing(Link(str(body["id"]), int(body["seq"]), str(body["hash"])), body["closed"] is True)
        mac = str(body["mac"])
    except (ValueError, TypeError, KeyError):
        return None
    return standing if hmac.compare_digest(_mac(key, standing).encode(), mac.encode()) else None


def _mac(key: bytes, standing: Standing) -> str:
    link = standing.link
    text = f"head\0{link.id}\0{link.seq}\0{link.hash}\0{standing.closed}"
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()
