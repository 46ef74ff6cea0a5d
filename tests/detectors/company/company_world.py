"""Invented tables and documents, indexed under a key of zeros."""

from pathlib import Path

from detectors.company.corpus import arrays_of as corpus_arrays
from detectors.company.corpus import cleared, corpus_of, print_of
from detectors.company.detector import CompanyDetector
from detectors.company.exact import ExactIndex
from detectors.company.found import Index, Reading
from detectors.company.hashing import Hasher
from detectors.company.indexes import Indexes
from detectors.company.prints import KIND as PRINTS
from detectors.company.prints import PrintsIndex
from detectors.company.rows import Dialect, Tally, read_all
from detectors.company.store import SUFFIX, Draft, opened, save
from detectors.company.table import KIND as EXACT
from detectors.company.table import Column, Plan, Role, arrays_of, distinct
from detectors.company.words import words_of
from detectors.finding import Category
from detectors.fingerprint import Fingerprinter

HASHER = Hasher(bytes(32))
STAFF = """name;id;department;salary;gender
Anna Müller;E-10423;Sales;71,250.00;f
Bob Stone;E-10424;Sales;70,000.00;m
Chi Nguyen;E-10425;Engineering;82,125.50;f
José Díaz;E-10426;Engineering;91,400.00;m
王小明;E-10427;Sales;64,300.00;m
"""
PLAN = Plan(
    (
        Column("name", Role.PRIMARY, "PERSON"),
        Column("id", Role.ALONE, "CUSTOM"),
        Column("salary", Role.SUPPORT),
        Column("gender", Role.SUPPORT),
    )
)


def table(
    folder: Path, text: str = STAFF, plan: Plan = PLAN, name: str = "staff", tag: str = "hr.compensation"
) -> Path:
    """Write the index of a table given as CSV."""
    source = folder / f"{name}.csv"
    source.write_text(text, encoding="utf-8")
    rows = distinct(read_all([source], [c.name for c in plan.columns], Dialect(), HASHER, Tally()))
    path = folder / f"{name}{SUFFIX}"
    save(path, Draft(EXACT, name, tag, {**plan.about(), "holds": len(rows)}, arrays_of(rows, plan)), HASHER)
    return path


def documents(folder: Path, texts: list[str], name: str = "papers", tag: str = "legal.contract") -> Path:
    """Write the index of documents."""
    corpus = cleared(corpus_of([print_of(text, at + 1, at + 1, HASHER) for at, text in enumerate(texts)]))
    path = folder / f"{name}{SUFFIX}"
    save(path, Draft(PRINTS, name, tag, {"holds": len(corpus)}, corpus_arrays(corpus)), HASHER)
    return path


def found(index: Index, text: str) -> list[str]:
    """Return the passages that an index knows, as they stand in the text."""
    words = words_of(text)
    return [
        text[int(words.begins[p.first]) : int(words.ends[p.last - 1])] for p in index.passages(Reading(words, HASHER))
    ]


def exact(folder: Path, text: str = STAFF, plan: Plan = PLAN) -> ExactIndex:
    return ExactIndex(opened(table(folder, text, plan), HASHER))


def prints(folder: Path, texts: list[str]) -> PrintsIndex:
    return PrintsIndex(opened(documents(folder, texts), HASHER))


def detector(folder: Path, tags: dict[str, str] | None = None) -> CompanyDetector:
    indexes = Indexes(folder, HASHER, {"PERSON", "CUSTOM", "TAG"}, tags)
    categories = {"PERSON": Category.PERSONAL, "CUSTOM": Category.PERSONAL}
    return CompanyDetector(indexes, categories, Fingerprinter(bytes(32)))
