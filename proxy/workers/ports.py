"""Ports that several processes listen on: kept by the supervisor, which binds them and never listens."""

import socket

from detectors.errors import Error
from proxy.mitm.listener import unusable


class Port:
    """An address held with SO_REUSEPORT; connections go to the processes that listen on it, never to this one."""

    def __init__(self, name: str, address: str) -> None:
        """Bind `host:port`; port 0 takes a free one. Raise Error where it is in use or cannot be had."""
        host, _, port = address.rpartition(":")
        self._sockets: list[socket.socket] = []
        self.host, self.number = host.strip("[]"), int(port)
        try:
            for family, kind, protocol, _, place in socket.getaddrinfo(
                self.host, self.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                if kind == socket.SOCK_STREAM:
                    self._hold(family, protocol, (place[0], self.number, *place[2:]))
        except OSError as error:
            self.close()
            raise unusable(name, address, error) from None
        if not self._sockets:
            raise Error(f"listen.{name}: {address} has no address", hint="use an address of this machine")

    @property
    def address(self) -> str:
        """Return the address with the port that was bound."""
        return f"[{self.host}]:{self.number}" if ":" in self.host else f"{self.host}:{self.number}"

    def close(self) -> None:
        """Let go of it."""
        for held in self._sockets:
            held.close()
        self._sockets.clear()

    def _hold(self, family: int, protocol: int, place: tuple[str | int, ...]) -> None:
        if self.number:
            with _socket(family, protocol) as alone:  # refused where anybody listens, even with SO_REUSEPORT
                alone.bind(place)
        held = _socket(family, protocol)
        self._sockets.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(place)
        self.number = held.getsockname()[1]


def _socket(family: int, protocol: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the listeners do: a port in TIME_WAIT is free
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made
