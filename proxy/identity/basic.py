"""Names and passwords of proxy basic authentication (RFC 7617): slow to check, so checked off the event loop."""

import asyncio
import base64
import binascii
import hmac
import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from proxy.identity.users import User

REMEMBERED = 300.0  # seconds that a right password is not checked again
ENTRIES = 4096
THREADS = 2  # each check takes 64 MiB
WAITING = 64  # checks that may wait for a thread; more are turned away
LONGEST = 4096  # characters of a header
_ORDINARY = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43  # the cost of `users.hasher`


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password as given."""

    name: str
    password: str = field(repr=False)


def credentials(header: str) -> Credentials | None:
    """Return what a Proxy-Authorization header says, or None where it is no basic authentication."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST:
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # what older clients send
    name, colon, password = text.partition(":")
    if not colon:
        return None
    return Credentials(unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", password))


class Busy(Exception):  # noqa: N818 - a state, told to the client as one
    """Too many passwords wait to be checked."""


class Passwords:
    """Checks passwords. A right one is remembered for a while, by a keyed hash over it and the stored hash.

    An unknown name costs what a known one costs. Equal checks at the same time are one.
    """

    def __init__(self, key: bytes, monotonic: Callable[[], float]) -> None:
        self._key = key
        self._monotonic = monotonic
        self._hasher = PasswordHasher()
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def is_remembered(self, user: User | None, given: Credentials) -> bool:
        """Return whether this password was right a short while ago."""
        if user is None or not user.password:
            return False
        return self._known.get(self._digest(user.password, given), 0.0) > self._monotonic()

    async def is_right(self, user: User | None, given: Credentials, like: str) -> bool:
        """Return whether the password is the user's; `like` is a hash whose cost stands in where there is no user.

        Raise Busy where too many wait.
        """
        stored = user.password if user and user.password else _decoy(like)
        digest = self._digest(user.password if user else "", given)
        running = self._running.get(digest)
        if running is None:
            if len(self._running) >= WAITING:
                raise Busy
            pool = self._pool = self._pool or ThreadPoolExecutor(THREADS, "lockgate-password")
            running = asyncio.get_running_loop().run_in_executor(pool, self._verify, stored, given.password)
            self._running[digest] = running
            running.add_done_callback(lambda _: self._running.pop(digest, None))
        right = await asyncio.shield(running) and user is not None and bool(user.password)
        if right:
            self._known[digest] = self._monotonic() + REMEMBERED
            self._known.move_to_end(digest)
            if len(self._known) > ENTRIES:
                self._known.popitem(last=False)
        return right

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError, UnicodeError):
            return False

    def _digest(self, stored: str, given: Credentials) -> bytes:
        parts = (stored, given.name, given.password)
        text = b"".join(len(part).to_bytes(4) + part.encode("utf-8", "surrogatepass") for part in parts)
        return hmac.digest(self._key, b"password\0" + text, "sha256")


def _decoy(like: str) -> str:
    """Return a hash that nothing matches and that costs what `like` costs."""
    cost = extract_parameters(like or _ORDINARY)
    salt, digest = (base64.b64encode(secrets.token_bytes(n)).rstrip(b"=").decode() for n in (16, cost.hash_len))
    settings = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2{cost.type.name.lower()}$v={cost.version}${settings}${salt}${digest}"
