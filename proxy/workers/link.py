"""What supervisor, nursery and workers say to each other: one JSON object a line over a pair of sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Self

from proxy.exchange import Json

LONGEST_LINE = 1 << 24  # what the console takes at once, where every character is escaped


class Link:
    """One end of a pair of sockets, inside an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Return the link over a connected socket, which it owns from now on."""
        end.setblocking(False)
        return cls(*await asyncio.open_connection(sock=end, limit=LONGEST_LINE))

    def say(self, message: Mapping[str, Json]) -> None:
        """Send a message; to an end that is gone it is lost."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def heard(self) -> AsyncIterator[dict[str, Json]]:
        """Yield messages until the other end is gone."""
        while True:
            try:
                line = await self._reader.readline()
            except (ConnectionError, ValueError):  # ValueError: a line above the limit
                return
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)

    async def close(self) -> None:
        """Send what was said, and close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return
