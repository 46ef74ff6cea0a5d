"""The engine that a configuration asks for, over the policies that it names."""

from pathlib import Path

from detectors.errors import Error
from proxy.config import PolicySection
from proxy.policy import bundle
from proxy.policy.interface import Engine
from proxy.policy.memo import Memoized
from proxy.policy.opa import need
from proxy.policy.wasm import WasmEngine
from proxy.shipped import folder

REMEMBERED = 4096


def engine(section: PolicySection, *, state_dir: Path | None = None, ca: Path | None = None) -> Engine:
    """Return the engine, not started; raise Error where its files do not hold. `ca` is trusted for a `server`."""
    if section.engine == "server":
        return _server(section, ca)
    policies = loaded(section)
    if section.engine == "wasm":
        return Memoized(WasmEngine(policies, state_dir=state_dir), REMEMBERED)
    from proxy.policy.child import ChildEngine  # the client library takes long to import, and wasm needs none of it

    return Memoized(ChildEngine(policies, need(section.opa), timeout=section.timeout), REMEMBERED)


def loaded(section: PolicySection) -> bundle.Bundle:
    """Return the policy set that a configuration names: its own folder or the shipped one, with its own tables."""
    return bundle.load(section.dir or folder("policies"), section.data)


def _server(section: PolicySection, ca: Path | None) -> Engine:
    from proxy.policy.client import Place, token
    from proxy.policy.server import ServerEngine

    if not section.url:
        raise Error("policy.engine is server, and policy.url is not set", hint="name OPA as https://opa.internal:8181")
    held = "" if section.token_file is None else token(section.token_file)
    return ServerEngine(Place(url=section.url, ca=ca, token=held), timeout=section.timeout)
