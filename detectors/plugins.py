"""Detectors from elsewhere, named in the configuration as `package.module:factory`."""

import importlib
from collections.abc import Sequence

from detectors.errors import Error, Errors
from detectors.fingerprint import Fingerprinter
from detectors.interface import Detector

_KEY = "detectors.plugins"


def load(names: Sequence[str], fingerprinter: Fingerprinter) -> tuple[Detector, ...]:
    """Return what the factories make when called with the fingerprinter; raise Errors naming all faults."""
    found: list[Detector] = []
    errors: list[Error] = []
    for name in names:
        try:
            found.append(_load(name, fingerprinter))
        except Error as error:
            errors.append(error)
    if errors:
        raise Errors(tuple(errors))
    return tuple(found)


def _load(name: str, fingerprinter: Fingerprinter) -> Detector:
    module_name, colon, factory_name = name.partition(":")
    if not colon or not module_name or not factory_name.isidentifier():
        raise Error(f"{_KEY}: {name!r} is not of the form package.module:factory", hint="as acme.codes:make_detector")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise Error(
            f"{_KEY}: {module_name} cannot be imported: {error.name or type(error).__name__} is missing",
            hint="install it into the environment that runs lockgate",
        ) from None
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise Error(f"{_KEY}: {module_name} has no function {factory_name}", hint="check the name after the colon")
    detector = factory(fingerprinter)
    if not isinstance(getattr(detector, "name", None), str) or not callable(getattr(detector, "scan", None)):
        raise Error(
            f"{_KEY}: {name} made a {type(detector).__name__}, which is no detector",
            hint="a detector has a name and scan(segments), as in detectors/interface.py",
        )
    made: Detector = detector
    return made
