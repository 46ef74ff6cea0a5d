"""Serve `/healthz`, `/readyz`, `/metrics`, `/analyze` and a status page on the console's address."""

import html
import json
from collections.abc import Callable, Mapping

from aiohttp import web

from detectors.errors import Error
from proxy.console.analyze import Analyze
from proxy.metrics import CONTENT_TYPE
from proxy.policy.interface import Json

type Status = Callable[[], Mapping[str, Json]]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Lockgate</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#1c1e21}}
h1{{font-size:1.4rem}}table{{border-collapse:collapse;width:100%}}
td{{padding:.4rem .8rem .4rem 0;border-top:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}}
td:first-child{{color:#555;white-space:nowrap}}</style>
<h1>Lockgate is {state}</h1><table>{rows}</table>
<p><a href="/readyz">readyz</a> · <a href="/metrics">metrics</a></p></html>"""


class Console:
    """The console's HTTP server; `status` tells readiness under the key `ready`."""

    def __init__(self, status: Status, metrics: Callable[[], bytes], analyze: Analyze) -> None:
        self._status = status
        self._metrics = metrics
        self._analyze = analyze
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the bound port; raise Error where the address cannot be had."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/healthz", self._health),
                web.get("/readyz", self._ready),
                web.get("/metrics", self._figures),
                *self._analyze.routes(),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            hint = "set listen.console to a free address, or port 0 for any free port"
            raise Error(f"listen.console {host}:{port}: cannot listen ({error.strerror})", hint=hint) from None
        address = self._runner.addresses[0]
        return int(address[1])

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, _: web.Request) -> web.Response:
        status = self._status()
        return web.json_response(
            dict(status),
            status=200 if status.get("ready") else 503,
            dumps=lambda value: json.dumps(value, indent=1) + "\n",
        )

    async def _figures(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"content-type": CONTENT_TYPE})

    async def _page(self, _: web.Request) -> web.Response:
        status = self._status()
        rows = "".join(f"<tr><td>{html.escape(key)}<td>{_shown(value)}" for key, value in status.items())
        page = PAGE.format(state="ready" if status.get("ready") else "not ready", rows=rows)
        headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=page, content_type="text/html", headers=headers)


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return "<br>".join(f"{html.escape(key)}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "none"
    return html.escape(str(value))
