"""`lockgate run`: the gate in this process, until it is told to stop."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable

from proxy.cli.options import add_config, add_json, config_of
from proxy.config import Config
from proxy.serving import Announcement, serve

CURL = """curl -sS --proxy http://{forward} --cacert {ca} https://api.openai.com/v1/chat/completions \\
    -H 'content-type: application/json' \\
    -d '{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"my key is AKIA{key}"}}]}}'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    import uvloop

    config = config_of(options)
    announce: Callable[[Announcement], None] = _json_line if options.json else _words
    return asyncio.run(_until_signalled(config, announce), loop_factory=uvloop.new_event_loop)


async def _until_signalled(config: Config, announce: Callable[[Announcement], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(config, announce, stop)
    return 0


def _json_line(said: Announcement) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"event": said.event, **said.fields}) + "\n")
        sys.stdout.flush()


def _words(said: Announcement) -> None:
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
