"""The indexes of the company's own data beside a running gate: their folder, their key, and reading them again."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Literal

import structlog

from detectors.company.hashing import KEY_BYTES, Hasher
from detectors.company.indexes import Indexes
from detectors.errors import Error, Errors
from proxy.config import Config
from proxy.exchange import Json
from proxy.policy.reload import POLL_SECONDS, Stamp, stamp_of
from proxy.state import key

type Reload = Literal["indexes_read", "indexes_refused"]

_log = structlog.get_logger("lockgate.indexes")


def folder_of(config: Config) -> Path:
    """Return the folder of the indexes, which need not be there."""
    return config.detectors.indexes.dir or config.state_dir / "indexes"


def hasher_of(config: Config) -> Hasher:
    """Return what hashes under the indexes' key: the named file's, or one made at first use in the state folder."""
    path = config.detectors.indexes.key_file
    return Hasher(key(config.state_dir, "indexes") if path is None else _key_of(path))


def indexes_of(config: Config, entities: Collection[str]) -> Indexes:
    """Return all indexes, open; raise Errors naming what cannot be read."""
    return Indexes(folder_of(config), hasher_of(config), entities, config.detectors.indexes.tags)


def _key_of(path: Path) -> bytes:
    where = f"detectors.indexes.key_file: {path}"
    try:
        status = path.stat()
        found = path.read_bytes()
    except OSError as error:
        raise Error(
            f"{where}: cannot be read ({error.strerror})",
            hint=f"make one: (umask 077; head -c {KEY_BYTES.start} /dev/urandom > {path.name})",
        ) from None
    if status.st_mode & 0o077:
        raise Error(f"{where}: others may read it", hint=f"chmod 600 {path}")
    if len(found) not in KEY_BYTES:
        raise Error(
            f"{where}: is not a key of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes",
            hint="restore it from a backup, or make another and build the indexes again",
        )
    return found


class ReloadingIndexes:
    """Indexes that are read again where their folder changes, or when `reload` is called, whole or not at all.

    Those that do not hold leave the ones read before in force, which `refused` then tells. `fresh` is called when
    others are in force, so that no finding of the old ones is remembered.
    """

    def __init__(
        self,
        indexes: Indexes,
        folder: Path,
        fresh: Callable[[], None],
        said: Callable[[Reload, str], None] = lambda *_: None,
        poll: float = POLL_SECONDS,
    ) -> None:
        self._indexes = indexes
        self._folder = folder
        self._fresh = fresh
        self._said = said
        self._poll = poll
        self._stamp: Stamp = ()
        self._watching: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.refused = ""

    @property
    def revision(self) -> str:
        """Return the digest of the indexes in force."""
        return self._indexes.revision

    def status(self) -> dict[str, Json]:
        """Return what `/readyz` says."""
        return {"count": len(self._indexes.current), "revision": self.revision, "refused": self.refused}

    async def start(self) -> None:
        """Watch the folder from now on, and take up what changed since the indexes were opened."""
        await self.reload()
        self._watching = asyncio.create_task(self._watch())

    async def reload(self) -> bool:
        """Open again what changed; return whether what lies in the folder is in force now."""
        async with self._turn:
            self._stamp = await asyncio.to_thread(
                stamp_of, (self._folder,)
            )  # before reading: a change meanwhile is seen
            try:
                changed = await asyncio.to_thread(self._indexes.reload)
            except Error as error:
                self.refused = _said(error)
                _log.error("indexes.refused", why=self.refused, hint="the indexes read before stay in force")
                self._said("indexes_refused", self.revision)
                return False
            self.refused = ""
            if changed:
                self._fresh()
                _log.info("indexes.read", revision=self.revision, count=len(self._indexes.current))
                self._said("indexes_read", self.revision)
            return True

    async def close(self) -> None:
        """End watching."""
        if self._watching:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll)
            if await asyncio.to_thread(stamp_of, (self._folder,)) != self._stamp:
                await self.reload()


def _said(error: Error) -> str:
    return "; ".join(map(str, error.errors)) if isinstance(error, Errors) else str(error)
