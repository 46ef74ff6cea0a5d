"""`lockgate run`: the gate, in this process or in several, until it is told to stop."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from proxy.cli.options import add_config, add_json, config_of
from proxy.config import Config, with_workers

if TYPE_CHECKING:
    from proxy.serving import Announce, Announcement

CURL = """curl -sS --proxy http://{forward} --cacert {ca} https://api.openai.com/v1/chat/completions \\
    -H 'content-type: application/json' \\
    -d '{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"my key is AKIA{key}"}}]}}'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config(parser)
    parser.add_argument("--workers", type=int, metavar="N", help="judge in N processes; the same as `workers: N`")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    config = config_of(options)
    if options.workers is not None:
        config = with_workers(config, options.workers)
    announce: Announce = _json_line if options.json else _words
    return _several(config, announce) if config.workers > 1 else _one(config, announce)


def _one(config: Config, announce: "Announce") -> int:
    from proxy.serving import serve

    return _turned(lambda stop: serve(config, announce, stop))


def _several(config: Config, announce: "Announce") -> int:
    """Fork the nursery before anything is loaded here; the folder of counters has to be named before that."""
    from proxy.workers import nursery

    with tempfile.TemporaryDirectory(prefix="lockgate-metrics-") as counters:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters
        begun = nursery.start(config)
        from proxy.workers.supervisor import supervise

        return _turned(lambda stop: supervise(config, begun, announce, stop))


def _turned(serving: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> int:
    import uvloop

    async def until_signalled() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serving(stop)
        return 0

    return asyncio.run(until_signalled(), loop_factory=uvloop.new_event_loop)


def _json_line(said: "Announcement") -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"event": said.event, **said.fields}) + "\n")
        sys.stdout.flush()


def _words(said: "Announcement") -> None:
    fields = said.fields
    if said.event == "ready":
        text = (
            f"lockgate ready: forward {fields['forward']}, gateway {fields['gateway']}, console {fields['console']}\n"
            f"audit: {fields['audit']}\n\n"
            f'Point this shell\'s clients at it:\n  eval "$({fields["env"]})"\n\n'
            "Try it without an API key; the planted credential is blocked before anything leaves:\n  "
            + CURL.format(forward=fields["forward"], ca=fields["ca"], key="Z7QPLM2KX4WTN6RB")
            + "\n\n"
        )
    elif said.event == "listening":
        text = f"lockgate listens on {fields['forward']} and blocks until it is ready\n"
    else:
        text = "  ".join(f"{key}={value}" for key, value in fields.items() if value) + "\n"
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()
