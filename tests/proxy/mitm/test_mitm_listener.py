"""The listener's life: ports, draining, and what it refuses to start with."""

import asyncio
import logging

import pytest
from mitm_world import PROVIDER, Gate, says, world
from mitmproxy.options import Options
from mitmproxy.proxy.layers import http as http_layers

from detectors.errors import Error
from proxy.config import Config
from proxy.mitm import surface
from proxy.mitm.layers import GateLayer
from proxy.mitm.listener import Listener
from proxy.mitm.tls import Certificates


def config(folder, forward="127.0.0.1:0"):
    listen = {"forward": forward, "gateway": "127.0.0.1:0"}
    return Config.model_validate({"listen": listen, "state_dir": folder})


async def test_port_in_use_says_what_to_do_and_leaves_nothing_open(tmp_path):
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    factory = asyncio.get_running_loop().get_task_factory()
    with pytest.raises(Error, match=r"listen\.forward: .* is in use") as caught:
        await Listener(config(tmp_path, f"127.0.0.1:{port}")).start(Gate())
    assert "port 0" in caught.value.hint
    assert asyncio.get_running_loop().get_task_factory() is factory
    taken.close()


async def test_two_listeners_may_share_a_port_where_asked_to(tmp_path):
    first = Listener(config(tmp_path), reuse_port=True)
    await first.start(Gate())
    second = await asyncio.start_server(lambda *_: None, *first.forward, reuse_port=True)
    second.close()
    await first.stop(grace=0)


async def test_stopping_lets_an_exchange_end_and_takes_no_new_connection(tmp_path):
    async def slow(seen, writer):
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async with world(tmp_path, answering=slow) as w, w.client() as client:
        task = asyncio.create_task(client.get(f"https://{PROVIDER}/"))
        await w.settled(lambda: len(w.origin.seen) == 1)
        forward = w.listener.forward
        await w.listener.stop(grace=3)
        assert (await task).content == b"ok"
        assert w.gate.passages[0].endings == ["end"]
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*forward)


async def test_stopping_ends_what_does_not_end_by_itself(tmp_path):
    async def never(seen, writer):
        await asyncio.sleep(60)

    async with world(tmp_path, answering=never) as w, w.client() as client:
        task = asyncio.create_task(client.get(f"https://{PROVIDER}/"))
        await w.settled(lambda: len(w.origin.seen) == 1)
        await w.listener.stop(grace=0.1)
        with pytest.raises(Exception):  # noqa: B017, PT011
            await task
        assert w.gate.passages[0].endings == ["client_gone"]
        assert w.listener.connections == 0


async def test_no_exchange_is_kept_after_its_end(tmp_path):
    async with world(tmp_path) as w, w.client() as client:
        for _ in range(20):
            await client.post(f"https://{PROVIDER}/", content=b"x")
        known = next(iter(w.listener._clients.values()))
        assert await w.settled(lambda: not known.transits)
        assert sum(len(layer.streams) for layer in known.layers if isinstance(layer, GateLayer)) <= 1


async def test_bytes_of_clients_and_providers_are_not_logged(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    raw = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokSURPLUS-SECRET"
    async with world(tmp_path, answering=says(raw)) as w, w.client() as client:
        await client.post(f"https://{PROVIDER}/PATH-SECRET", content=b"BODY-SECRET", headers={"x": "HEADER-SECRET"})
        reader, writer = await asyncio.open_connection(*w.listener.forward)
        writer.write(b"HALF-SECRET")
        writer.write_eof()
        await reader.read()
        writer.close()
    ours = [
        record.getMessage() for record in caplog.records if record.name.startswith(("mitmproxy", "lockgate", "root"))
    ]
    assert not any("SECRET" in message for message in ours)


def options() -> Options:
    made = Options()
    from mitmproxy.addonmanager import Loader

    class Master:
        options = made

    Certificates(None, {}).load(Loader(Master()))
    return made


def test_self_test_passes_on_the_installed_library():
    surface.install()
    surface.check(options())


@pytest.mark.parametrize(
    ("name", "value"),
    [("stream_large_bodies", "1m"), ("body_size_limit", "1m"), ("ssl_insecure", True), ("ignore_hosts", ["x"])],
)
def test_options_that_let_bytes_pass_unread_are_refused(name, value):
    made = options()
    made.update(**{name: value})
    with pytest.raises(Error, match=name):
        surface.check(made)


@pytest.mark.parametrize("name", ["emudhra", "emudhra_old"])
def test_option_that_signs_with_a_leaked_key_is_refused_only_when_on(name):
    made = options()
    made.add_option(name, bool, False, "")
    surface.check(made)
    made.update(**{name: True})
    with pytest.raises(Error, match=name):
        surface.check(made)


@pytest.mark.parametrize("method", ["state_stream_response_body", "send_response", "check_body_size"])
def test_self_test_refuses_another_library(monkeypatch, method):
    monkeypatch.setattr(http_layers.HttpStream, method, lambda self, something, else_: iter(()))
    with pytest.raises(Error, match=method):
        surface.check(options())


def test_self_test_refuses_a_layer_that_does_not_ask_the_gate(monkeypatch):
    def past(self, event):
        yield from http_layers.HttpStream.state_stream_response_body(self, event)

    monkeypatch.setattr("proxy.mitm.stream.GateStream.state_stream_response_body", past)
    with pytest.raises(Error, match="HTTP layer differs"):
        surface.check(options())
