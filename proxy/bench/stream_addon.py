"""The add-on of bare mitmdump: streams are passed through as they come, nothing else is done."""

from mitmproxy import http


def responseheaders(flow: http.HTTPFlow) -> None:
    """Let an event stream through as it comes."""
    if flow.response and "event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = True
