"""The add-on of the reference: `mitmdump -s` with it reads requests and answers as JSON and passes streams through."""

import json

from mitmproxy import http


def responseheaders(flow: http.HTTPFlow) -> None:
    """Let an event stream through as it comes."""
    if flow.response and "event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = True


def request(flow: http.HTTPFlow) -> None:
    """Read a request."""
    json.loads(flow.request.content or b"null")


def response(flow: http.HTTPFlow) -> None:
    """Read an answer."""
    if flow.response and not flow.response.stream:
        json.loads(flow.response.content or b"null")
