"""The detector of the company's own data: rows of its tables and passages of its documents."""

from collections.abc import Iterator, Mapping, Sequence

from detectors import deadline
from detectors.company.found import Index, Passage, Reading
from detectors.company.indexes import Indexes
from detectors.company.words import words_of
from detectors.finding import Category, Finding, Kind, Scan, Segment
from detectors.fingerprint import Fingerprinter

ENTITY = "TAG"


class CompanyDetector:
    """Find what the indexes know: a tag over each passage, and by the name of its column each value that has one."""

    name = "company"

    def __init__(self, indexes: Indexes, categories: Mapping[str, Category], fingerprinter: Fingerprinter) -> None:
        self._indexes = indexes
        self._categories = categories
        self._fingerprinter = fingerprinter

    def scan(self, segments: Sequence[Segment]) -> Scan:
        """Return every passage found, offsets in code points of each segment's own text; nothing is skipped."""
        current = tuple(self._indexes.current.values())
        return Scan(tuple(found for segment in segments for found in self._found(segment, current)) if current else ())

    def _found(self, segment: Segment, current: Sequence[tuple[Index, str]]) -> Iterator[Finding]:
        deadline.check()
        reading = Reading(words_of(segment.text, escaped=segment.kind is Kind.JSON), self._indexes.hasher)
        for index, tag in current:
            for passage in index.passages(reading):
                yield from self._findings(segment, reading, passage, index.stored.name, tag)

    def _findings(self, segment: Segment, reading: Reading, passage: Passage, name: str, tag: str) -> Iterator[Finding]:
        begins, ends = reading.words.begins, reading.words.ends

        def finding(first: int, last: int, entity: str, category: Category, tag: str) -> Finding:
            start, end = int(begins[first]), int(ends[last - 1])
            value = tag or segment.text[start:end]
            return Finding(
                ref=segment.ref,
                start=start,
                end=end,
                entity=entity,
                category=category,
                score=passage.score,
                detector=self.name,
                rule=f"index.{name}",
                fingerprint=self._fingerprinter.of(value),
                validated=True,
                tag=tag,
            )

        if tag:
            yield finding(passage.first, passage.last, ENTITY, Category.TAG, tag)
        for cell in passage.cells:
            yield finding(cell.first, cell.last, cell.entity, self._categories[cell.entity], "")
