"""What the audit is to the gate: room is reserved before anything leaves, and every exchange becomes one event."""

from collections.abc import Mapping
from typing import Protocol

from detectors.errors import Error
from proxy.policy.interface import Json


class AuditUnavailable(Error):
    """The event could not be kept: with `audit.on_failure: block` nothing may leave."""


class Recorder(Protocol):
    """Takes events. An event is a flat-to-nested JSON object without clear values, of `schemas/audit-event.json`."""

    def reserve(self) -> None:
        """Make sure that one more event can be kept; raise AuditUnavailable where not. Cheap: called per exchange."""

    def emit(self, event: Mapping[str, Json]) -> None:
        """Append an event to the chain; raise AuditUnavailable where no sink took it."""

    def close(self) -> None:
        """Flush and close the sinks."""
