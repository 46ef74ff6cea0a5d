"""`lockgate run`: the gate, in this process or in several, until it is told to stop."""

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.cli.options import add_config, add_json, config_of

if TYPE_CHECKING:
    from proxy.config import Config
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
        from proxy.config import with_workers

        config = with_workers(config, options.workers)
    show: Announce = _json_line if options.json else _words
    command = env_command(options.config)

    def announce(said: "Announcement") -> None:
        show(replace(said, fields={**said.fields, "env": command}) if said.event == "ready" else said)

    return _several(config, announce) if config.workers > 1 else _one(config, announce)


def _one(config: "Config", announce: "Announce") -> int:
    from proxy.serving import serve

    return _turned(lambda stop: serve(config, announce, stop))


def _several(config: "Config", announce: "Announce") -> int:
    """Fork the nursery before anything is loaded here; the folder of counters has to be named before that."""
    from proxy.workers import nursery

    with tempfile.TemporaryDirectory(prefix="lockgate-metrics-") as counters:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters
        begun = nursery.start(config)
        from proxy.workers.supervisor import supervise

        return _turned(lambda stop: supervise(config, begun, announce, stop))


def env_command(config: Path | None) -> str:
    """Return the command whose output points a shell at this gate, for any folder that the shell may be in."""
    script = Path(sys.executable).with_name("lockgate")
    words = [str(script)] if script.is_file() else [sys.executable, "-P", "-m", "proxy"]
    return shlex.join([*words, "env", *(() if config is None else ("--config", str(config.absolute())))])


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
            + CURL.format(forward=fields["forward"], ca=shlex.quote(fields["ca"]), key="Z7QPLM2KX4WTN6RB")
            + "\n\n"
        )
    elif said.event == "listening":
        text = f"lockgate listens on {fields['forward']} and blocks until it is ready\n"
    else:
        text = "  ".join(f"{key}={value}" for key, value in fields.items() if value) + "\n"
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()
