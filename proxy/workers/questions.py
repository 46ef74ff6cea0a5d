"""Texts that the supervisor is asked to look at go to a worker, as it has no detectors itself."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from detectors.finding import Category, Finding, Kind, Role, Scan, Segment, Skipped, SkipReason
from proxy.exchange import Json
from proxy.workers.link import Link

SECONDS = 60.0  # a worker answers within `detectors.timeout`; one that dies never does


class Questions:
    """The supervisor's side: each question goes to the next of the workers that `ready` returns."""

    def __init__(self, ready: Callable[[], Sequence[Link]]) -> None:
        self._ready = ready
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Scan]] = {}

    async def ask(self, segments: Sequence[Segment]) -> Scan:
        """Return what a worker finds; where none answers, nothing was looked at and that is said."""
        links, number = self._ready(), next(self._numbers)
        if not links:
            return _skipped(segments, SkipReason.NOT_READY)
        self._open[number] = asyncio.get_running_loop().create_future()
        links[number % len(links)].say({"look": number, "texts": [segment.text for segment in segments]})
        try:
            async with asyncio.timeout(SECONDS):
                return await self._open[number]
        except TimeoutError:
            return _skipped(segments, SkipReason.TIMED_OUT)
        finally:
            del self._open[number]

    def answer(self, message: Mapping[str, Any]) -> None:
        """Take a worker's answer."""
        waiting = self._open.get(message["looked"])
        if waiting is not None and not waiting.done():
            findings = [Finding(**{**found, "category": Category(found["category"])}) for found in message["findings"]]
            skipped = [Skipped(ref, SkipReason(reason), detector) for ref, reason, detector in message["skipped"]]
            waiting.set_result(Scan(tuple(findings), tuple(skipped)))


def read(message: Mapping[str, Any]) -> tuple[list[Segment], Callable[[Scan], Mapping[str, Json]]]:
    """Return the segments of a question, and what makes the message that answers it; the worker's side."""

    def reply(scan: Scan) -> Mapping[str, Json]:
        return {
            "looked": message["look"],
            "findings": [asdict(finding) for finding in scan.findings],
            "skipped": [[skipped.ref, skipped.reason.value, skipped.detector] for skipped in scan.skipped],
        }

    return [Segment(str(at), Role.USER, Kind.PROSE, text) for at, text in enumerate(message["texts"])], reply


def _skipped(segments: Sequence[Segment], reason: SkipReason) -> Scan:
    return Scan(skipped=tuple(Skipped(segment.ref, reason) for segment in segments))
