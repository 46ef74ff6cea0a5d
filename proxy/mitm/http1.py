"""HTTP/1 parsers with bounds: heads and pipelined bytes end somewhere, trailers and interim answers end nothing."""

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp

HEAD_LIMIT = 262_144  # more than any server takes (nginx 32 kB, Apache 8 kB a line)
DISCARD_LIMIT = 64_000_000  # of a request that was answered before its end

type Commands = layer.CommandGenerator[None]


class _Bounded(_http1.Http1Connection):
    """What client and server side share."""

    def read_body(self, event: events.Event) -> Commands:
        """Read a body; trailers are dropped, which the base class answers with a crash."""
        try:
            yield from super().read_body(event)
        except NotImplementedError:
            assert self.stream_id is not None
            is_request = isinstance(self, _http1.Http1Server)
            yield ReceiveHttp(self.ReceiveEndOfMessage(self.stream_id))
            yield from self.mark_done(request=is_request, response=not is_request)


class BoundedHttp1Server(_Bounded, _http1.Http1Server):
    """The client's side."""

    discarded = 0

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived):
            if self.response_done and not self.request_done:
                self.discarded += len(event.data)
            else:
                self.discarded = 0
        yield from super()._handle_event(event)
        if isinstance(event, events.DataReceived) and (len(self.buf) > HEAD_LIMIT or self.discarded > DISCARD_LIMIT):
            if self.state == self.read_headers and not self.request:
                yield commands.SendData(self.conn, _http1.make_error_response(431))
            self.buf = _http1.ReceiveBuffer()
            self.state = self.done
            yield commands.CloseConnection(self.conn)


class BoundedHttp1Client(_Bounded, _http1.Http1Client):
    """The provider's side."""

    def _handle_event(self, event: events.Event) -> Commands:
        yield from super()._handle_event(event)
        if isinstance(event, events.DataReceived) and len(self.buf) > HEAD_LIMIT:
            self.buf = _http1.ReceiveBuffer()
            yield commands.CloseConnection(self.conn)
            if self.stream_id is not None:
                error = self.ReceiveProtocolError(self.stream_id, "head too large", code=self.ReceiveProtocolError.code)
                yield ReceiveHttp(error)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        """Read the answer's head; interim answers (RFC 9110 section 15.2) are skipped, not taken for the answer."""
        while self.request is not None and _interim(bytes(memoryview(self.buf._data)[:_INTERIM_PEEK])):
            if self.buf.maybe_extract_lines() is None:
                return
        yield from super().read_headers(event)


_INTERIM_PEEK = 12


def _interim(start: bytes) -> bool:
    """Say whether this is the start of a 1xx head other than 101, which the layer above refuses."""
    return start.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) and len(start) == _INTERIM_PEEK and start[9:12] != b"101"
