"""What a running gate leaves in its state folder for other commands: where it listens and which process it is."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from proxy.config import Config

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A gate's addresses as host:port, and the files that its users need."""

    pid: int
    forward: str
    gateway: str
    console: str
    ca: str
    bundle: str
    audit: str

    def save(self, state_dir: Path) -> None:
        """Write it into the state folder."""
        path = state_dir / FILE
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        temporary.replace(path)


def clear(state_dir: Path) -> None:
    """Take the note of a gate that ends away."""
    (state_dir / FILE).unlink(missing_ok=True)


def found(config: Config) -> Running | None:
    """Return the gate that runs with this state folder, or None where none does."""
    try:
        noted = Running(**json.loads((config.state_dir / FILE).read_text(encoding="utf-8")))
        os.kill(noted.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return noted


def planned(config: Config) -> Running:
    """Return what a gate of this configuration would note, with the ports as configured."""
    folder = config.state_dir / "ca"
    listen = config.listen
    audit = config.audit.path or config.state_dir / "audit.jsonl"
    return Running(
        0,
        listen.forward,
        listen.gateway,
        listen.console,
        str(folder / "ca-cert.pem"),
        str(folder / "bundle.pem"),
        str(audit),
    )


def exports(running: Running, gateways: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that points clients at the gate; `gateways` gives the path prefix of each provider.

    Clients of the gateway need the base URLs alone, clients of the forward proxy the other variables.
    """
    base = f"http://{running.gateway}"
    proxy = f"http://{running.forward}"
    variables = {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "SSL_CERT_FILE": running.bundle,
        "REQUESTS_CA_BUNDLE": running.bundle,
        "CURL_CA_BUNDLE": running.bundle,
        "NODE_EXTRA_CA_CERTS": running.ca,
    }
    with suppress(KeyError):
        variables["OPENAI_BASE_URL"] = base + gateways["openai"]
    with suppress(KeyError):
        variables["ANTHROPIC_BASE_URL"] = base + gateways["anthropic"]
    with suppress(KeyError):
        variables["GOOGLE_GEMINI_BASE_URL"] = base + gateways["google"]
    return variables
