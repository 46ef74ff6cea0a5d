"""The one way to look at segments: all detectors in a pool, under a deadline, duplicates once, overlaps resolved."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from detectors import deadline
from detectors.cache import Cache
from detectors.errors import Error
from detectors.finding import Finding, Scan, Segment, Skipped, SkipReason
from detectors.fingerprint import Fingerprinter
from detectors.interface import Detector
from detectors.overlap import resolved
from detectors.pool import Pool, Task

_log = structlog.get_logger("lockgate.scanner")


class Scanner:
    """Detectors behind one call. No exception and no hang of a detector leaves it: both become `Skipped`.

    `timeout` is in seconds for a whole scan, `threads` is how many scans run at once, `cache` how many texts' findings
    are kept (0 for none). Threads start with the first scan.
    """

    def __init__(self, detectors: Sequence[Detector], *, key: bytes, timeout: float, threads: int, cache: int) -> None:
        names = [detector.name for detector in detectors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Error(f"two detectors are named {', '.join(twice)}", hint="give each detector a name of its own")
        self._detectors = tuple(detectors)
        self._fingerprinter = Fingerprinter(key)
        self._timeout = timeout
        self._cache = Cache(key, cache)
        self._pool = Pool(threads)

    @property
    def healthy(self) -> bool:
        """Tell whether scans can still be run; too many hanging detectors end that."""
        return self._pool.healthy

    @property
    def abandoned(self) -> int:
        """Return how many threads hang in a detector and were given up."""
        return self._pool.lost

    async def scan(self, segments: Sequence[Segment]) -> Scan:
        """Return what all detectors find in the segments, in reading order, without keeping the event loop waiting."""
        look = _Look(self, segments)
        if not look.waiting:
            return look.outcome()
        loop = asyncio.get_running_loop()
        finished = asyncio.Event()

        def on_done() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(finished.set)

        task = Task(look.run, on_done)
        if not self._pool.submit(task):
            return look.outcome(SkipReason.NOT_READY)
        watch = loop.call_later(look.left(), self._pool.give_up, task)  # also where the waiting is cancelled
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(look.left()):
                await finished.wait()
        if not finished.is_set() and self._pool.give_up(task):
            return look.outcome(SkipReason.TIMED_OUT)
        watch.cancel()
        return look.outcome()

    def scan_now(self, segments: Sequence[Segment]) -> Scan:
        """Return what `scan` does, to a caller that can wait."""
        look = _Look(self, segments)
        if not look.waiting:
            return look.outcome()
        task = Task(look.run)
        if not self._pool.submit(task):
            return look.outcome(SkipReason.NOT_READY)
        if not task.done.wait(look.left()) and self._pool.give_up(task):
            return look.outcome(SkipReason.TIMED_OUT)
        return look.outcome()

    def close(self) -> None:
        """Let the threads end."""
        self._pool.close()


class _Look:
    """One scan: which texts are new, what each detector said of them, and what that comes to."""

    def __init__(self, scanner: Scanner, segments: Sequence[Segment]) -> None:
        self._scanner = scanner
        self._segments = segments
        self._moment = time.monotonic() + scanner._timeout
        self._keys = [scanner._cache.key_of(segment) for segment in segments]
        self._known: dict[bytes, tuple[Finding, ...]] = {}
        self.waiting: dict[bytes, Segment] = {}
        for key, segment in zip(self._keys, segments, strict=True):
            if key in self._known or key in self.waiting:
                continue
            found = scanner._cache.get(key) if segment.text else ()
            if found is None:
                self.waiting[key] = replace(segment, ref=str(len(self.waiting)))
            else:
                self._known[key] = found
        self._said: tuple[Scan, ...] = ()
        self._resolved: dict[bytes, tuple[Finding, ...]] | None = None

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return max(0.0, self._moment - time.monotonic())

    def run(self) -> None:
        """Ask every detector about the new texts, and keep what is complete."""
        batch = tuple(self.waiting.values())
        with deadline.until(self._moment):
            for detector in self._scanner._detectors:
                self._said = (*self._said, _asked(detector, batch))
        found = self._findings(self._said)
        incomplete = {skipped.ref for scan in self._said for skipped in scan.skipped}
        for key, segment in self.waiting.items():
            if segment.ref not in incomplete:
                self._scanner._cache.put(key, found[key])
        self._resolved = found

    def outcome(self, reason: SkipReason | None = None) -> Scan:
        """Return the scan; `reason` says why detectors that have not spoken did not."""
        said = self._said
        found = self._resolved if reason is None and self._resolved is not None else self._findings(said)
        skipped: dict[str, dict[Skipped, None]] = {segment.ref: {} for segment in self.waiting.values()}
        for skip in (skip for scan in said for skip in scan.skipped):
            skipped.setdefault(skip.ref, {})[skip] = None
        # A task that ended without a result (its thread was killed from within) has not scanned anything either.
        if len(said) < len(self._scanner._detectors) and self.waiting:
            for detector in self._scanner._detectors[len(said) :]:
                for ref in skipped:
                    skipped[ref][Skipped(ref, reason or SkipReason.FAILED, detector.name)] = None
        findings: list[Finding] = []
        skips: list[Skipped] = []
        for key, segment in zip(self._keys, self._segments, strict=True):
            findings.extend(replace(finding, ref=segment.ref) for finding in self._known.get(key) or found.get(key, ()))
            if key in self.waiting:
                skips.extend(replace(skip, ref=segment.ref) for skip in skipped[self.waiting[key].ref])
        return Scan(tuple(findings), tuple(skips))

    def _findings(self, said: Iterable[Scan]) -> dict[bytes, tuple[Finding, ...]]:
        by_ref: dict[str, list[Finding]] = {}
        for finding in (finding for scan in said for finding in scan.findings):
            by_ref.setdefault(finding.ref, []).append(finding)
        print_of = self._scanner._fingerprinter.of
        return {
            key: tuple(resolved(by_ref.get(segment.ref, ()), segment.text, print_of))
            for key, segment in self.waiting.items()
        }


def _asked(detector: Detector, batch: tuple[Segment, ...]) -> Scan:
    """Return what a detector says; the one place where any exception of a detector becomes `Skipped`."""
    reason = SkipReason.FAILED
    try:
        scan = detector.scan(batch)
        if _is_sound(scan, batch):
            return scan
        kind = "FindingOutsideItsSegment"
    except deadline.DeadlineExceededError:
        reason, kind = SkipReason.TIMED_OUT, ""
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything; what it says may hold text
        kind = type(error).__name__
    if kind:
        _log.error("detector_failed", detector=detector.name, error=kind, segments=len(batch))
    return Scan(skipped=tuple(Skipped(segment.ref, reason, detector.name) for segment in batch))


def _is_sound(scan: Scan, batch: tuple[Segment, ...]) -> bool:
    lengths = {segment.ref: len(segment.text) for segment in batch}
    return all(0 <= f.start < f.end <= lengths.get(f.ref, 0) for f in scan.findings) and all(
        skipped.ref in lengths for skipped in scan.skipped
    )
