"""Who is asking, by a local user file: proxy passwords, gateway keys, and a trusted proxy's header."""

import asyncio
import base64
import binascii
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from argon2.exceptions import InvalidHashError, VerificationError

from detectors.errors import Error
from proxy.config import IdentitySection
from proxy.door import header
from proxy.exchange import Actor, Headers, Source
from proxy.identity import users as user_file
from proxy.identity.interface import Identified, Rejected
from proxy.identity.users import User

REMEMBER_SECONDS = 300.0  # a verified password, by keyed hash: argon2 takes some 50 ms
REMEMBERED = 4096
ATTEMPTS, WINDOW_SECONDS = 20, 60.0  # failed attempts of one peer before it has to wait
PEERS = 4096
CHECK_SECONDS = 2.0  # between two looks at the file
WRONG = "The user name or the password is wrong."
WRONG_KEY = "The gateway key is unknown or disabled. Ask for a new one."
TOO_MANY = "Too many failed attempts from this address. Wait a minute."
NEEDED = "This gate asks for credentials: a user name and password at the proxy, or a gateway key."

_log = structlog.get_logger("lockgate.identity")
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class LocalIdentity:
    """Implements `Identity`. A changed user file is read again; a broken one keeps the users as they were."""

    def __init__(
        self,
        section: IdentitySection,
        *,
        key: bytes,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._section, self._key, self._monotonic = section, key, monotonic
        self._hasher = user_file.hasher()
        self._decoy = self._hasher.hash("decoy")
        self._networks = _networks(section)
        self._verified: OrderedDict[bytes, float] = OrderedDict()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._users: Mapping[str, User] = {}
        self._by_key: Mapping[str, User] = {}
        self._stamp: tuple[int, int] | None = None
        self._checked = 0.0
        self._verifying = asyncio.Semaphore(2)
        if section.users is not None:
            self._take(section.users)

    async def of_connect(self, peer: str, proxy_authorization: str) -> Identified | Rejected:
        """Return the actor of proxy credentials; none give the anonymous actor."""
        if not proxy_authorization:
            return self._anonymous(frozenset())
        if self._blocked(peer):
            return Rejected(TOO_MANY)
        scheme, _, encoded = proxy_authorization.partition(" ")
        name, password = _decoded(encoded) if scheme.lower() == "basic" else ("", "")
        self._refresh()
        user = self._users.get(name)
        if await self._matches(user, name, password) and user is not None:
            return Identified(_actor(user, Source.BASIC), frozenset({"proxy-authorization"}))
        self._failed(peer)
        return Rejected(WRONG)

    async def of_request(self, peer: str, headers: Headers, known: Actor) -> Identified | Rejected:
        """Return the actor of a request: a gateway key, a trusted proxy's header, else `known` of the connection."""
        trusted = self._section.trusted_header
        key_header = self._section.gateway_key_header.lower()
        consumed = frozenset({"proxy-authorization", key_header})
        if trusted:
            consumed |= {trusted.name.lower(), trusted.groups.lower()}
        if key := header(headers, key_header):
            return self._of_key(peer, key, consumed)
        if trusted and self._is_trusted(peer) and (name := header(headers, trusted.name.lower()).strip()):
            return Identified(self._of_header(name, header(headers, trusted.groups.lower())), consumed)
        if known.source is Source.NONE:
            return self._anonymous(consumed)
        return Identified(known, consumed)

    def _of_key(self, peer: str, key: str, consumed: frozenset[str]) -> Identified | Rejected:
        if self._blocked(peer):
            return Rejected(TOO_MANY)
        self._refresh()
        user = self._by_key.get(user_file.key_hash(key))
        if user is None or user.disabled:
            self._failed(peer)
            return Rejected(WRONG_KEY)
        return Identified(_actor(user, Source.GATEWAY_KEY), consumed)

    def _of_header(self, name: str, groups: str) -> Actor:
        self._refresh()
        local = self._users.get(name)
        given = tuple(group.strip() for group in groups.split(",") if group.strip())
        own = local.groups if local and not local.disabled else ()
        return Actor(name, tuple(dict.fromkeys((*given, *own))), source=Source.TRUSTED_HEADER)

    def _anonymous(self, consumed: frozenset[str]) -> Identified | Rejected:
        return Rejected(NEEDED) if self._section.require else Identified(Actor(), consumed)

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    async def _matches(self, user: User | None, name: str, password: str) -> bool:
        """Verify off the event loop; an unknown name costs what a known one does."""
        stored = user.password if user and user.password and not user.disabled else ""
        mark = user_file.keyed(self._key, stored, name, password)
        now = self._monotonic()
        if stored and self._verified.get(mark, 0.0) > now:
            return True
        async with self._verifying:
            found = await asyncio.to_thread(self._verify, stored or self._decoy, password)
        if not (found and stored):
            return False
        self._verified[mark] = now + REMEMBER_SECONDS
        while len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return True

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _blocked(self, peer: str) -> bool:
        count, until = self._failures.get(peer, (0, 0.0))
        return count >= ATTEMPTS and until > self._monotonic()

    def _failed(self, peer: str) -> None:
        now = self._monotonic()
        count, until = self._failures.pop(peer, (0, 0.0))
        self._failures[peer] = (count + 1 if until > now else 1, now + WINDOW_SECONDS)
        while len(self._failures) > PEERS:
            self._failures.popitem(last=False)

    def _refresh(self) -> None:
        path, now = self._section.users, self._monotonic()
        if path is None or now - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        try:
            if _stamp(path) != self._stamp:
                self._take(path)
                _log.info("identity.reloaded", file=path, count=len(self._users))
        except (Error, OSError):
            _log.error("identity.not_reloaded", file=path, hint="the users are as they were; mend the file")
            self._stamp = None

    def _take(self, path: Path) -> None:
        found = user_file.load(path)
        self._stamp = _stamp(path)
        self._users = found
        self._by_key = {key: user for user in found.values() for key in user.keys}
        self._verified.clear()


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _actor(user: User, source: Source) -> Actor:
    return Actor(user.name, user.groups, attributes=tuple(sorted(user.attributes.items())), source=source)


def _decoded(encoded: str) -> tuple[str, str]:
    """Return name and password; the password may hold colons (RFC 7617)."""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _networks(section: IdentitySection) -> tuple[Network, ...]:
    trusted = section.trusted_header
    if trusted is None:
        return ()
    if not trusted.from_:
        hint = "name the proxies' addresses, for example from: [10.0.0.5/32]"
        raise Error("identity.trusted_header.from: is empty, so the header would never count", hint=hint)
    try:
        return tuple(ipaddress.ip_network(network) for network in trusted.from_)
    except ValueError:
        hint = "write it as 10.0.0.0/8 or 127.0.0.1/32"
        raise Error("identity.trusted_header.from: holds something that is no network", hint=hint) from None
