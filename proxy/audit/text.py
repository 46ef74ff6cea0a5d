"""Cleaning of strings that somebody outside chose, before they stand in an event."""

from collections.abc import Callable
from ipaddress import ip_address

type Scrub = Callable[[str], str]

LONGEST = 4096  # characters that are scrubbed; a longer string is named by its length alone, never cut through a value
REMEMBERED = 4096  # cleaned strings kept, since hosts, models and rules repeat with nearly every event
SHORT = 200
LINE = 500


class Cleaner:
    """Makes a string fit for an event: printable, scrubbed of values, at most `limit` characters.

    Invisible characters go before the scrub, so that a zero-width space cannot hide a value from it.
    """

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._known: dict[str, str] = {}

    def __call__(self, value: str, limit: int = SHORT) -> str:
        """Return the cleaned string, cut to `limit` characters with an ellipsis."""
        known = self._known.get(value)
        if known is None:
            known = self._cleaned(value)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(value) <= LINE:
                self._known[value] = known
        return known if len(known) <= limit else known[: limit - 1] + "…"

    def _cleaned(self, value: str) -> str:
        if len(value) > LONGEST:
            return f"<{len(value)} characters>"
        return printable(self._scrub(printable(value)))


def printable(value: str) -> str:
    """Return the string on one line without control, format, private and surrogate characters."""
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else " " for char in value if char.isprintable() or char.isspace())


def address(value: str) -> str:
    """Return an IP address in its normal form, or the empty string for anything else."""
    try:
        return str(ip_address(value.partition("%")[0]))
    except ValueError:
        return ""
