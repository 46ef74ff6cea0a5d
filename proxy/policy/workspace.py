"""A copy of a policy set for OPA to work on, with the tables that were loaded in place of the files they came from."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.policy import bundle


@contextmanager
def copied(policies: bundle.Bundle, *, tests: bool = False) -> Iterator[Path]:
    """Give a folder with sources, data and manifest, with the Rego tests where asked; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lockgate-policy-") as folder:
        root = Path(folder).resolve()
        write(policies, root)
        own = policies.folder / bundle.ROOT / "tests"
        if tests and own.is_dir():
            shutil.copytree(own, root / bundle.ROOT / "tests")
        yield root


def write(policies: bundle.Bundle, root: Path) -> None:
    """Write sources, data and manifest as one bundle: what was loaded and hashed is what OPA runs."""
    for path, text in policies.sources.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(text)
    root.mkdir(parents=True, exist_ok=True)
    (root / "data.json").write_text(json.dumps(policies.data, sort_keys=True), encoding="utf-8")
    manifest = {"roots": [bundle.ROOT], "rego_version": 1, "revision": policies.revision}
    (root / ".manifest").write_text(json.dumps(manifest), encoding="utf-8")
