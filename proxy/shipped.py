"""Where the data that ships with the program lies: beside the packages in a checkout, inside the package in a wheel."""

from pathlib import Path

from detectors.errors import Error


def folder(name: str) -> Path:
    """Return the shipped folder `rules` or `policies`; raise Error where the installation lacks it."""
    package = Path(__file__).parent
    for candidate in (package / "shipped" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise Error(f"the folder {name}/ is missing from this installation", hint="install lockgate again")
