"""What is decrypted, what is tunnelled, and what is refused, on the real process."""

import base64
import gzip
import json
import socket
import ssl
import time
import zlib
from collections.abc import Callable

import brotli
import httpx
import pytest
import zstandard
from running import Gate, Provider

MAIL = "alice.smith" + "@example.com"
CHAT = "https://api.openai.com/v1/chat/completions"
KEY = {"authorization": "Bearer k"}


def prompt(text: str = f"Write to {MAIL}.", **more: object) -> dict[str, object]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def connect(gate: Gate, target: str, extra: str = "") -> tuple[socket.socket, bytes]:
    host, _, port = gate.ready["forward"].rpartition(":")
    raw = socket.create_connection((host, int(port)), timeout=10)
    raw.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{extra}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = raw.recv(4096)
        if not piece:
            break
        head += piece
    return raw, head


def test_host_outside_the_catalogue_keeps_its_own_certificate(running_gate: Gate, upstream: Provider) -> None:
    raw, head = connect(running_gate, f"localhost:{upstream.standin.port}")
    assert head.startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=str(upstream.root))
    with context.wrap_socket(raw, server_hostname="localhost") as tls:
        assert dict(pair[0] for pair in tls.getpeercert()["issuer"])["commonName"] == "Lockgate stand-in root"
        body = json.dumps(prompt()).encode()
        tls.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: "
            + str(len(body)).encode()
            + b"\r\n\r\n"
            + body
        )
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    assert b"200 OK" in answer
    assert MAIL in upstream.texts  # never decrypted, so never redacted
    tunnels = [event for event in running_gate.events() if event["exchange"]["outcome"] == "tunnelled"]
    assert tunnels[-1]["destination"]["host"] == "localhost"


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_compressed_request_is_read_and_redacted(running_gate: Gate, upstream: Provider, encoding: str) -> None:
    body = ENCODERS[encoding](json.dumps(prompt()).encode())
    with running_gate.client() as client:
        found = client.post(
            CHAT, content=body, headers={**KEY, "content-type": "application/json", "content-encoding": encoding}
        )
    assert found.status_code == 200
    assert MAIL not in upstream.texts
    assert "[EMAIL_ADDRESS]" in upstream.received[0].body.decode()


@pytest.mark.parametrize("encoding", ENCODERS)
def test_compressed_clean_request_goes_out_byte_identical(
    running_gate: Gate, upstream: Provider, encoding: str
) -> None:
    body = ENCODERS[encoding](json.dumps(prompt("Good morning.")).encode())
    with running_gate.client() as client:
        found = client.post(CHAT, content=body, headers={**KEY, "content-encoding": encoding})
    assert found.status_code == 200
    assert upstream.received[0].body == body
    assert ("content-encoding", encoding) in [(k.lower(), v) for k, v in upstream.received[0].headers]


def test_clean_request_goes_out_byte_identical(running_gate: Gate, upstream: Provider) -> None:
    content = b'"caf\\u00e9 \\/ \xc3\xa9 \xf0\x9f\x98\x80"'
    body = b'{ "model":"gpt-4o-mini",\r\n "messages" : [{"role":"user","content":' + content + b"}] }\n"
    with running_gate.client() as client:
        assert client.post(CHAT, content=body, headers=KEY).status_code == 200
    assert upstream.received[0].body == body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"\x1f\x8b not gzip at all"), ("rot13", b"{}"), ("gzip", gzip.compress(b"{}" * 9)[:-12])],
    ids=["broken", "unknown", "truncated"],
)
def test_undecodable_body_never_leaves(running_gate: Gate, upstream: Provider, encoding: str, body: bytes) -> None:
    with running_gate.client() as client:
        found = client.post(CHAT, content=body, headers={**KEY, "content-encoding": encoding})
    assert found.status_code == 403
    assert upstream.received == []
    assert running_gate.event(exchange_id(found))["exchange"]["outcome"] == "blocked"


def test_decompression_bomb_never_leaves(running_gate: Gate, upstream: Provider) -> None:
    bomb = gzip.compress(
        b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"' + b" " * 150_000_000 + b'"}]}', 9
    )
    with running_gate.client() as client:
        found = client.post(CHAT, content=bomb, headers={**KEY, "content-encoding": "gzip"})
    assert found.status_code == 403
    assert upstream.received == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"gpt-4o-mini","model":"gpt-4o","messages":[]}',
        b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\xff\xfe"}]}',
        b'{"model":"gpt-4o-mini","messages":[',
        b"hello",
        b"",
    ],
    ids=["duplicate-key", "lone-surrogate", "invalid-utf8", "torn", "no-json", "empty"],
)
def test_malformed_body_never_leaves(running_gate: Gate, upstream: Provider, body: bytes) -> None:
    with running_gate.client() as client:
        found = client.post(CHAT, content=body, headers=KEY)
    assert found.status_code == 403
    assert "message" in found.json()["error"]
    assert upstream.received == []
    event = running_gate.event(exchange_id(found))
    assert event["exchange"]["outcome"] == "blocked"
    assert event["request"]["skipped"]


def exchange_id(response: httpx.Response) -> str:
    return response.headers["x-lockgate-decision"].split("id=")[1].split(";")[0]


def test_unknown_path_of_a_known_provider_is_refused(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client() as client:
        found = client.post("https://api.openai.com/v1/brand/new", json=prompt(), headers=KEY)
    assert found.status_code == 403
    assert found.json()["error"]["code"] == "lockgate_unknown_path"
    assert upstream.received == []
    event = running_gate.event(exchange_id(found))
    assert event["exchange"]["outcome"] == "refused"
    assert event["exchange"]["what"] == "unknown_path"


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        (
            {
                "connection": "upgrade",
                "upgrade": "websocket",
                "sec-websocket-version": "13",
                "sec-websocket-key": "eA==",
            },
            "websocket",
        ),
        ({"content-type": "application/grpc"}, "grpc"),
        ({"content-type": "application/connect+proto", "connect-protocol-version": "1"}, "connect"),
    ],
)
def test_protocol_without_a_codec_is_refused(
    running_gate: Gate, upstream: Provider, headers: dict[str, str], what: str
) -> None:
    with running_gate.client() as client:
        method = "GET" if what == "websocket" else "POST"
        found = client.request(method, "https://api.openai.com/v1/responses", headers={**KEY, **headers})
    assert found.status_code == 403
    assert upstream.received == []
    assert running_gate.event(exchange_id(found))["exchange"]["what"] == what


def test_host_header_that_disagrees_is_refused(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client() as client:
        found = client.post(CHAT, json=prompt(), headers={**KEY, "host": "api.anthropic.com"})
    assert found.status_code == 403
    assert upstream.received == []
    assert running_gate.event(exchange_id(found))["exchange"]["what"] == "name_mismatch"


@pytest.mark.parametrize(
    ("target", "sni"), [("localhost", "api.openai.com"), ("api.openai.com:443", "cdn.example.net")]
)
def test_tls_name_that_disagrees_is_refused(running_gate: Gate, upstream: Provider, target: str, sni: str) -> None:
    before = len(running_gate.events())
    target = f"localhost:{upstream.standin.port}" if target == "localhost" else target
    raw, head = connect(running_gate, target)
    context = ssl.create_default_context(cafile=str(running_gate.ca))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    answer = b""
    if b" 200" in head.split(b"\r\n")[0]:
        try:
            with context.wrap_socket(raw, server_hostname=sni) as tls:
                tls.sendall(b"GET /v1/models HTTP/1.1\r\nhost: " + sni.encode() + b"\r\nconnection: close\r\n\r\n")
                answer = tls.recv(4096)
        except OSError:
            answer = b"HTTP/1.1 403"
    raw.close()
    assert not answer or b" 403" in answer.split(b"\r\n")[0]
    assert upstream.received == []
    until = time.monotonic() + 5
    while time.monotonic() < until and "name_mismatch" not in whats(running_gate, before):
        time.sleep(0.02)
    assert "name_mismatch" in whats(running_gate, before)


def whats(gate: Gate, before: int) -> list[str]:
    return [event["exchange"].get("what", "") for event in gate.events()[before:]]


def test_http2_client_is_served(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client(http2=True) as client:
        found = client.post(CHAT, json=prompt(), headers=KEY)
    assert found.status_code == 200
    assert MAIL not in upstream.texts


def test_keep_alive_serves_many_requests_on_one_connection(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client(limits=httpx.Limits(max_connections=1)) as client:
        for number in range(20):
            assert client.post(CHAT, json=prompt(f"{number} {MAIL}"), headers=KEY).status_code == 200
    assert len(upstream.received) == 20
    assert MAIL not in upstream.texts


def test_proxy_credentials_never_reach_the_provider(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client("erin:erinerin") as client:
        found = client.post(CHAT, json=prompt("Hello."), headers={**KEY, "x-lockgate-reason": "none"})
    assert found.status_code == 200
    names = {name.lower() for name, _ in upstream.received[0].headers}
    assert not {name for name in names if name.startswith(("proxy-", "x-lockgate"))}
    assert base64.b64encode(b"erin:erinerin").decode() not in upstream.texts
    assert running_gate.events()[-1]["actor"]["subject"] == "erin"


def test_wrong_proxy_password_is_refused_and_never_anonymous(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client("erin:wrong") as client, pytest.raises(httpx.ProxyError, match="407"):
        client.post(CHAT, json=prompt("Hello."), headers=KEY)
    assert upstream.received == []


def test_hr_tag_is_blocked_for_an_engineer_and_passes_for_hr(running_gate: Gate, upstream: Provider) -> None:
    text = "[[tag:hr.compensation]] The band for level four is 61 to 74. [[/tag]] Summarise."
    with running_gate.client("erin:erinerin") as client:
        assert client.post(CHAT, json=prompt(text), headers=KEY).status_code == 403
    assert upstream.received == []
    with running_gate.client("hanna:hannahanna") as client:
        assert client.post(CHAT, json=prompt(text), headers=KEY).status_code == 200
    assert len(upstream.received) == 1


def test_blocked_service_is_refused_inside_tls_in_words(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client() as client:
        told = client.get("https://chatgpt.com/", headers={"accept": "application/json"})
        page = client.get("https://chatgpt.com/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        german = client.get("https://chatgpt.com/", headers={"accept": "text/html", "accept-language": "de-DE"})
    assert told.status_code == page.status_code == 403
    assert "stopped this" in told.json()["error"]["message"]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "stopped this" in page.text
    assert '<html lang="de">' in german.text
    assert exchange_id(page) in page.text
    event = running_gate.event(exchange_id(told))
    assert event["exchange"]["outcome"] == "blocked"
    assert event["exchange"]["phase"] == "connect"
    assert upstream.received == []


def test_blocked_prompt_is_explained_to_a_browser_in_its_language(running_gate: Gate, upstream: Provider) -> None:
    secret = "aws_access_key_id=AKIA" + "Z7QPLM2KX4WTN6RB"
    headers = {**KEY, "accept": "text/html", "accept-language": "de-DE,de;q=0.9"}
    with running_gate.client() as client:
        found = client.post(CHAT, json=prompt(secret), headers=headers)
    assert found.status_code == 403
    assert '<html lang="de">' in found.text
    assert found.text.count(exchange_id(found)) == 1
    assert secret not in found.text
    assert upstream.received == []


def test_block_names_its_exchange_once(running_gate: Gate, upstream: Provider) -> None:
    with running_gate.client() as client:
        found = client.post(CHAT, json=prompt("aws_access_key_id=AKIA" + "Z7QPLM2KX4WTN6RB"), headers=KEY)
    assert found.json()["error"]["message"].count(exchange_id(found)) == 1
    assert upstream.received == []
