"""A bound on wrong passwords per peer."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

FAILURES = 10  # in one window; more than a person mistypes, far too few to guess with
WINDOW = 60.0  # seconds
PEERS = 10_000  # remembered at once; the one unseen longest is forgotten first


class Throttle:
    """Counts wrong passwords; an IPv6 peer is its /64, since one machine has them all."""

    def __init__(self, monotonic: Callable[[], float], failures: int = FAILURES, peers: int = PEERS) -> None:
        self._monotonic = monotonic
        self._failures = failures
        self._limit = peers
        self._peers: OrderedDict[str, tuple[float, int]] = OrderedDict()  # when the window began, failures in it

    def is_exhausted(self, peer: str) -> bool:
        """Return whether a peer has to wait before another password of it is looked at."""
        began, count = self._peers.get(network(peer), (0.0, 0))
        return count >= self._failures and self._monotonic() - began < WINDOW

    def count(self, peer: str) -> None:
        """Count a wrong password, before it is known to be wrong: parallel guesses count too."""
        name, now = network(peer), self._monotonic()
        began, count = self._peers.pop(name, (now, 0))
        self._peers[name] = (now, 1) if now - began >= WINDOW else (began, count + 1)
        if len(self._peers) > self._limit:
            self._peers.popitem(last=False)

    def forgive(self, peer: str) -> None:
        """Take back one count: the password was right."""
        name = network(peer)
        if name in self._peers:
            began, count = self._peers[name]
            self._peers[name] = (began, max(0, count - 1))


def network(peer: str) -> str:
    """Return what counts as one peer."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else address.exploded[:19]
    return str(address)
