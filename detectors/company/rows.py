"""Tables as companies export them: CSV of any delimiter and encoding, read to hashes a block of rows at a time."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from detectors.company.found import Reading
from detectors.company.hashing import Hasher, Hashes
from detectors.company.table import FIT, SHORT, Flags, Rows, joined
from detectors.company.words import Places, Words, words_of
from detectors.errors import Error

_BLOCK: Final = 20_000  # rows
_SAMPLE: Final = 1 << 20  # bytes by which the encoding is told
_TRIED: Final = 100  # records by which the delimiter is told
_DELIMITERS: Final = ",;\t|"
_LONGEST_CELL: Final = 10_000_000
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NOTHING: Final = ["n/a", "na", "none", "null", "nan", "nil", "unknown", "unbekannt", "inconnu", "desconocido", "tbd"]
_WHOLE: Final = (".00", ",00", ".0", ",0")  # what a whole number may end in


@dataclass(slots=True)
class Tally:
    """What was read, and what was not."""

    rows: int = 0
    ragged: int = 0  # rows with more or fewer fields than the header
    long: Counter[str] = field(default_factory=Counter)  # by column: values of too many words to be found


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; what is empty is told from the file."""

    delimiter: str = ""
    encoding: str = ""


def header_of(path: Path, dialect: Dialect) -> list[str]:
    """Return the columns' names; raise Error where the file has none or names one twice."""
    with _opened(path, dialect) as (file, delimiter):
        header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    twice = sorted({name for name in header if header.count(name) > 1})
    if not any(header):
        raise Error(f"{path}: has no header", hint="its first line must name the columns")
    if twice:
        raise Error(f"{path}: names a column twice: {', '.join(twice)}", hint="rename one")
    return header


def read(path: Path, columns: Sequence[str], dialect: Dialect, hasher: Hasher, tally: Tally) -> Iterator[Rows]:
    """Yield the named columns of a file as hashes, a block of rows at a time; no value is kept."""
    try:
        header = header_of(path, dialect)
    except UnicodeDecodeError:
        raise Error(f"{path}: is not {dialect.encoding or 'text'}", hint="name its encoding with --encoding") from None
    missing = [name for name in columns if name not in header]
    if missing:
        raise Error(f"{path}: has no column {', '.join(missing)}", hint=f"it has: {', '.join(header)}")
    places = [header.index(name) for name in columns]
    nothing = _hashed(_NOTHING, hasher)[0]
    with _opened(path, dialect) as (file, delimiter):
        records = csv.reader(file, delimiter=delimiter)
        next(records)
        try:
            while block := list(islice(records, _BLOCK)):
                whole = [record for record in block if len(record) == len(header)]
                tally.ragged += sum(1 for record in block if record and len(record) != len(header))
                tally.rows += len(whole)
                if whole:
                    yield _rows(whole, places, columns, hasher, nothing, tally)
        except UnicodeDecodeError:
            raise Error(
                f"{path}: is not {file.encoding} after record {tally.rows}", hint="name its encoding with --encoding"
            ) from None
        except csv.Error:
            raise Error(f"{path}: is no CSV after record {tally.rows}", hint="mind its quotes") from None


def read_all(paths: Sequence[Path], columns: Sequence[str], dialect: Dialect, hasher: Hasher, tally: Tally) -> Rows:
    """Return the rows of several files."""
    return joined([part for path in paths for part in read(path, columns, dialect, hasher, tally)], len(columns))


def _rows(
    records: list[list[str]],
    places: list[int],
    columns: Sequence[str],
    hasher: Hasher,
    nothing: Hashes,
    tally: Tally,
) -> Rows:
    hashes = np.zeros((len(records), len(places)), dtype=np.uint64)
    flags = np.zeros((len(records), len(places)), dtype=np.uint8)
    for at, place in enumerate(places):
        found, flags[:, at], long = _hashed([record[place] for record in records], hasher)
        found[np.isin(found, nothing)] = 0
        hashes[:, at] = found
        tally.long[columns[at]] += long
    return Rows(hashes, flags)


def _hashed(cells: list[str], hasher: Hasher) -> tuple[Hashes, Flags, int]:
    """Return each cell's hash, 0 where it has no word or too many, what its shape is good for, and how many are long."""
    cells = [cell.rstrip()[: -len(end)] if (end := _whole_end(cell)) else cell for cell in cells]
    words = words_of("\n".join(cells))
    offsets = np.cumsum([0, *(len(cell) + 1 for cell in cells[:-1])])
    cell_of = np.searchsorted(offsets, words.begins, side="right") - 1
    first = np.searchsorted(cell_of, np.arange(len(cells)))
    last = np.searchsorted(cell_of, np.arange(len(cells)), side="right")
    counts = last - first
    usable = np.flatnonzero((counts > 0) & (counts <= Reading.LONGEST_RUN))
    hashes = np.zeros(len(cells), dtype=np.uint64)
    flags = np.zeros(len(cells), dtype=np.uint8)
    if len(usable):
        hashes[usable] = hasher.value_hashes(words, first[usable], last[usable])
        flags[usable] = _shapes(words, first[usable], last[usable])
    return hashes, flags, int((counts > Reading.LONGEST_RUN).sum())


def _whole_end(cell: str) -> str:
    """Return the zero fraction that a number ends in, or nothing."""
    if cell.endswith("0"):
        for end in _WHOLE:
            if cell.endswith(end) and cell[-len(end) - 1 : -len(end)].isdigit():
                return end
    return ""


def _shapes(words: Words, first: Places, last: Places) -> Flags:
    """Return what the shape of values is good for: a short one is weak, a long and mixed one may stand alone."""
    digits = np.append(0, np.cumsum((words.letters >= ord("0")) & (words.letters <= ord("9"))))
    dense = np.append(0, np.cumsum(words.letters >= 0x2E80))  # an ideograph says as much as two letters
    begin, end = words.starts[first], words.starts[last]
    size = end - begin + dense[end] - dense[begin]
    numbers = digits[end] - digits[begin]
    all_digits = numbers == end - begin
    short = (size < 4) | (all_digits & (size < 5))
    fit = np.where(numbers > 0, (size >= 6) & (~all_digits | (size >= 9)), (last - first >= 2) & (size >= 10))
    found: Flags = short * np.uint8(SHORT) | fit * np.uint8(FIT)
    return found


@contextmanager
def _opened(path: Path, dialect: Dialect) -> Iterator[tuple[TextIO, str]]:
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open("rb") as raw:
            sample = raw.read(_SAMPLE)
        encoding = dialect.encoding or _encoding_of(sample)
        with path.open(encoding=encoding, newline="") as file:
            yield file, dialect.delimiter or _delimiter_of(sample.decode(encoding, "replace"))
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})", hint="name a CSV file") from None
    except LookupError:
        raise Error(f"{dialect.encoding}: is no encoding", hint="utf-8, cp1252, latin-1, utf-16 …") from None


def _encoding_of(sample: bytes) -> str:
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(sample) < _SAMPLE or error.start < len(sample) - 4:  # not merely cut within a character
            return "cp1252"
    return "utf-8"


def _delimiter_of(sample: str) -> str:
    """Return the delimiter that divides the first records into the most fields, the same number in nearly all."""
    lines = sample.splitlines(keepends=True)[:_TRIED]

    def fields(delimiter: str) -> tuple[float, int]:
        try:
            widths = Counter(len(record) for record in csv.reader(lines, delimiter=delimiter) if record)
        except csv.Error:
            return 0.0, 0
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        return (times / widths.total() if width > 1 else 0.0, width)

    return max(_DELIMITERS, key=fields)
