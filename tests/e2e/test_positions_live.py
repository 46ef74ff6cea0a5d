"""The position table on the running gate: a value planted in any place of any format never reaches the provider."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from positions import PATHS, PLANTED, REQUESTS, rows
from running import Gate, Provider

MAIL = PLANTED.rpartition(" ")[2]
PLACES = {
    "openai_chat": ("https://api.openai.com", "/openai"),
    "openai_responses": ("https://api.openai.com", "/openai"),
    "openai_embeddings": ("https://api.openai.com", "/openai"),
    "anthropic_messages": ("https://api.anthropic.com", "/anthropic"),
    "gemini_generate": ("https://generativelanguage.googleapis.com", "/gemini"),
}
FRAMES: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Good morning."}]},
    "openai_responses": {"model": "gpt-4o-mini", "input": "Good morning."},
    "openai_embeddings": {"model": "text-embedding-3-small", "input": "Good morning."},
    "anthropic_messages": {
        "model": "claude-sonnet-4-5",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "Good morning."}],
    },
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "Good morning."}]}]},
}
KEYS = {"authorization": "Bearer k", "x-api-key": "k", "x-goog-api-key": "k", "anthropic-version": "2023-06-01"}
READ = {  # rows that a role may well send: redacted and answered, not blocked
    "openai_chat": ("system", "developer parts", "first turn", "assistant turn", "tool result", "tool-call arguments"),
    "openai_responses": (),
    "openai_embeddings": (),
    "anthropic_messages": ("system",),
    "gemini_generate": (),
}


@pytest.fixture(scope="module")
def through(running_gate: Gate) -> Iterator[dict[str, httpx.Client]]:
    with running_gate.client() as proxied, httpx.Client(base_url=running_gate.gateway, trust_env=False) as direct:
        yield {"proxy": proxied, "gateway": direct}


def clear(body: bytes) -> str:
    """A body as a provider reads it: escapes undone, also in JSON that stands inside a string."""
    return body.decode("utf-8", "replace").replace("\\u0040", "@")


@pytest.mark.parametrize("way", ["proxy", "gateway"])
@pytest.mark.parametrize(("name", "body"), list(rows(REQUESTS)))
def test_value_planted_anywhere_never_reaches_the_provider(
    running_gate: Gate,
    upstream: Provider,
    through: dict[str, httpx.Client],
    name: str,
    body: object,
    way: str,
    request: pytest.FixtureRequest,
) -> None:
    host, prefix = PLACES[name]
    path = PATHS[name]
    url = host + path if way == "proxy" else prefix + path
    asked = {**FRAMES[name], **body} if isinstance(body, dict) else body
    raw = json.dumps(asked, ensure_ascii=way == "proxy").encode()
    found = through[way].post(url, content=raw, headers={**KEYS, "content-type": "application/json"})
    assert found.status_code in {200, 403}
    assert MAIL not in clear(b"".join(item.body for item in upstream.received))
    assert MAIL not in "".join(f"{item.path}{item.headers}" for item in upstream.received)
    event = running_gate.event(found.headers["x-lockgate-decision"].split("id=")[1].split(";")[0])
    assert event["exchange"]["outcome"] in ({"redacted", "forwarded"} if found.status_code == 200 else {"blocked"})
    assert MAIL not in json.dumps(event)
    if any(request.node.callspec.id.startswith(f"{name}-{row}") for row in READ[name]):
        assert found.status_code == 200
        assert b"[EMAIL_ADDRESS]" in upstream.received[-1].body
