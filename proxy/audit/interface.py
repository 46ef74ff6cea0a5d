"""What the audit is to the gate: room is reserved before anything leaves, and every exchange becomes one event."""

from collections.abc import Mapping
from typing import Protocol

from detectors.errors import Error

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


class AuditUnavailable(Error):  # noqa: N818 - a state of the audit, as the gate's code reads it
    """The event could not be kept: with `audit.on_failure: block` nothing may leave."""


class Recorder(Protocol):
    """Takes events: JSON objects without clear values, of `proxy/audit/event.schema.json`, made by `event.build`."""

    def reserve(self) -> None:
        """Make sure that one more event can be kept; raise AuditUnavailable where not. Cheap: called per exchange."""

    def emit(self, event: Mapping[str, Json]) -> None:
        """Append an event to the chain; raise AuditUnavailable where no sink took it."""

    def reopen(self) -> None:
        """Open the file by its name again, as after a rotation (SIGHUP)."""

    def close(self) -> None:
        """Close the chain with its count, then the sinks."""
