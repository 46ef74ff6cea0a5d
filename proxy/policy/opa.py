"""The OPA binary as a tool: found, run with nothing of our environment, its output kept."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.errors import Error

VARIABLE = "LOCKGATE_OPA"
MINIMUM = (1, 17)
_HINT = f"install OPA 1.17 or later, or name it in policy.opa or the variable {VARIABLE}"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of OPA ended with; `output` is stdout, followed by stderr where the run failed."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Opa:
    """An OPA binary."""

    path: Path

    def run(self, arguments: Sequence[str], *, cwd: Path | None = None, timeout: float = 120.0) -> Done:
        """Run OPA to its end; raise Error where it cannot be run or takes too long."""
        try:
            done = subprocess.run(  # noqa: S603 - the path is configured, no shell is involved
                [str(self.path), *arguments],
                cwd=cwd,
                env=environment(),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except OSError as error:
            raise Error(f"{self.path}: cannot be run ({error.strerror})", hint=_HINT) from None
        except subprocess.TimeoutExpired:
            raise Error(f"{self.path}: took longer than {timeout:g} s") from None
        return Done(done.returncode, done.stdout + (done.stderr if done.returncode else ""))

    def version(self) -> str:
        """Return OPA's version; raise Error where it is none, or too old for `future.keywords.not`."""
        match = re.search(r"^Version: (\d+)\.(\d+)\.(\S+)", self.run(["version"]).output, re.MULTILINE)
        if not match:
            raise Error(f"{self.path}: does not say its version as OPA does", hint=_HINT)
        if (int(match[1]), int(match[2])) < MINIMUM:
            raise Error(f"{self.path}: is OPA {match[1]}.{match[2]}, too old", hint=_HINT)
        return f"{match[1]}.{match[2]}.{match[3]}"


def find(name: str = "opa") -> Opa | None:
    """Return the binary that the variable LOCKGATE_OPA, a path or a name on PATH leads to, or None."""
    named = os.environ.get(VARIABLE) or name
    found = shutil.which(named)
    return Opa(Path(found).absolute()) if found else None


def need(name: str = "opa") -> Opa:
    """Return the binary as `find` does; raise Error where there is none."""
    opa = find(name)
    if opa is None:
        raise Error("there is no OPA binary", hint=_HINT)
    return opa


def environment() -> dict[str, str]:
    """Return the whole environment that OPA runs in: no proxy, no credentials."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8", "OPA_TELEMETRY_DISABLED": "1"}
