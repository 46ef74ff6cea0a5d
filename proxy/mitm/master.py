"""The add-on manager: one look-up a hook, and an add-on that raises closes the exchange instead of letting it pass."""

import inspect
from collections.abc import Callable
from typing import Any

from mitmproxy import addonmanager, ctx, exceptions, hooks, http, options
from mitmproxy.master import Master
from mitmproxy.tls import ClientHelloData

from proxy.mitm.deadline import report
from proxy.mitm.translate import own_reply, response_of

type Handler = Callable[..., Any]  # a hook of an add-on: returns None or an awaitable


class GateAddons(addonmanager.AddonManager):
    """mitmproxy's manager walks every add-on for every hook; this one remembers who handles what."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)
        self._handlers: dict[str, tuple[Handler, ...]] = {}

    def handlers(self, name: str) -> tuple[Handler, ...]:
        """Return the handlers of a hook, in the add-ons' order."""
        found = self._handlers.get(name)
        if found is None:
            hooked = (getattr(addon, name, None) for addon in addonmanager.traverse(self.chain))
            found = self._handlers[name] = tuple(handler for handler in hooked if callable(handler))
        return found

    def add(self, *addons: object) -> None:
        """Add add-ons at the end of the chain."""
        super().add(*addons)
        self._handlers.clear()

    def remove(self, addon: object) -> None:
        """Remove an add-on."""
        super().remove(addon)
        self._handlers.clear()

    def clear(self) -> None:
        """Remove all add-ons."""
        super().clear()
        self._handlers.clear()

    async def trigger_event(self, event: hooks.Hook) -> None:
        """Run a hook's handlers until one halts the chain; an exception blocks what the hook was about."""
        arguments = event.args()
        for handler in self.handlers(event.name):
            try:
                result = handler(*arguments)
                if result is not None and inspect.isawaitable(result):
                    await result
            except exceptions.AddonHalt:
                return
            except Exception as error:
                report(f"hook {event.name}", error)
                for argument in arguments:
                    _block(argument)
                return

    async def handle_lifecycle(self, event: hooks.Hook) -> None:
        """Run a hook and, where someone listens, `update` for its flow."""
        await self.trigger_event(event)
        if self.handlers("update") and isinstance(event.args()[0], http.HTTPFlow):
            await self.trigger_event(hooks.UpdateHook([event.args()[0]]))


class GateMaster(Master):
    """mitmproxy's master without its log bridge, consoles and signal handling: the caller owns loop and lifetime."""

    addons: GateAddons

    def __init__(self, opts: options.Options) -> None:
        super().__init__(opts)
        self._legacy_log_events.uninstall()
        self.addons = GateAddons(self)
        self.own: set[tuple[str, int]] = set()

    def is_own(self, peer: tuple[str, int]) -> bool:
        """Say whether an address is one that this gate listens on: dialling it would go round in circles."""
        host, port = peer[0], peer[1]
        return any(port == own_port and own in (host, "0.0.0.0", "::") for own, own_port in self.own)  # noqa: S104  # compared, not bound

    def forget(self) -> None:
        """Let go of the process-wide references that mitmproxy keeps."""
        self.addons.clear()
        if getattr(ctx, "master", None) is self:
            del ctx.master, ctx.options, ctx.log


def _block(subject: object) -> None:
    if isinstance(subject, http.HTTPFlow):
        reply = own_reply(500, "Lockgate could not judge this exchange and stopped it.")
        subject.request.stream = False
        subject.response = response_of(reply.status, reply.headers, reply.body, subject, last=True)
    elif isinstance(subject, ClientHelloData):
        subject.ignore_connection = False
