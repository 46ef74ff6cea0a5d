"""What a detector is: a batch of segments in, a scan out, synchronous, run in a pool and never on the event loop."""

from collections.abc import Sequence
from typing import Protocol

from detectors.finding import Scan, Segment


class Detector(Protocol):
    """One way of finding. `scan` may be called from any thread, one call at a time per thread.

    It is deterministic, keeps no text after it returns, never logs or raises with text in the message, and says
    `Skipped` for what it did not look at. An exception is turned into `Skipped(FAILED)` by the scanner.
    """

    @property
    def name(self) -> str:
        """Return the name that findings, audit and configuration use."""

    def scan(self, segments: Sequence[Segment]) -> Scan:
        """Return what was found in all segments, offsets in code points of each segment's own text."""
