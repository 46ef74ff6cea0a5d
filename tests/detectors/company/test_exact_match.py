"""Rows are found where enough of their values stand near each other, however they are written, and only there."""

import time
from pathlib import Path

import numpy as np
import pytest
from company_world import HASHER, PLAN, STAFF, detector, exact, found, table

from detectors.company.columns import check, strengths, suited
from detectors.company.found import Reading
from detectors.company.rows import Dialect, Tally, header_of, read_all
from detectors.company.store import opened
from detectors.company.table import Column, Plan, Role, arrays_of, distinct, joined, rows_of, without
from detectors.company.words import words_of
from detectors.errors import Error, Errors
from detectors.finding import Category, Kind, Segment
from detectors.finding import Role as Speaker

FAR = " and so on" * 40


@pytest.mark.parametrize(
    "text",
    [
        "Is Anna Müller, who earns 71,250, content?",
        "anna mueller? no: ANNA MULLER gets 71.250,00 EUR",
        "| José Díaz | 91400 |",
        "jose-diaz … 91 400",
        '{"name": "Chi Nguyen", "salary": 82125.50}',
        "王小明的工资是64300",
        "E10424",
        "staff e-10424 left",
        "Bob Stone" + " x" * 50 + " 70000",
    ],
)
def test_row_is_found_however_its_values_are_written(tmp_path: Path, text: str) -> None:
    assert found(exact(tmp_path), text)


@pytest.mark.parametrize(
    "text",
    [
        "Anna Müller is on holiday.",
        "Somebody earns 71,250 here.",
        "Anna Müller earns 70,000.",
        "Anna Müller f",
        "Anna and Müller, 71,250",
        "Bob Stone" + " x" * 51 + " 70000",
        f"Anna Müller{FAR} 71,250",
        "E-104230 and XE-10423",
        "",
    ],
)
def test_values_of_no_one_row_or_too_far_apart_are_not_found(tmp_path: Path, text: str) -> None:
    assert found(exact(tmp_path), text) == []


def test_passage_covers_the_values_and_neighbours_are_one(tmp_path: Path) -> None:
    text = "So: Anna Müller / 71,250.00; and Bob Stone / 70,000 leave."
    assert found(exact(tmp_path), text) == ["Anna Müller / 71,250", "Bob Stone / 70,000"]


def test_weak_values_count_half(tmp_path: Path) -> None:
    rows = "\n".join(f"Person Number{n:03},D{n % 3},S{n % 2},{1000 + n}" for n in range(100))
    plan = Plan((Column("n", Role.PRIMARY), Column("d", Role.SUPPORT), Column("s", Role.SUPPORT)))
    index = exact(tmp_path, f"n,d,s,v\n{rows}\n", plan)
    assert found(index, "Person Number007 D1") == []
    assert found(index, "Person Number007 D1 S1") == ["Person Number007 D1 S1"]


def test_two_more_values_are_needed_where_the_plan_says_so(tmp_path: Path) -> None:
    plan = Plan((Column("name", Role.PRIMARY), Column("id", Role.SUPPORT), Column("salary", Role.SUPPORT)), need=2)
    index = exact(tmp_path, STAFF, plan)
    assert found(index, "Bob Stone E-10424") == []
    assert found(index, "Bob Stone E-10424 70,000") == ["Bob Stone E-10424 70,000"]


def test_one_text_is_no_evidence_twice(tmp_path: Path) -> None:
    text = "name,given,family\n" + "\n".join(f"Anna{n} Stone{n},Anna{n},Stone{n}" for n in range(20))
    plan = Plan(tuple(Column(c, Role.PRIMARY) for c in ("name", "given", "family")))
    index = exact(tmp_path, text, plan)
    assert found(index, "Ask Stone7 today") == []
    assert found(index, "Anna7 of the family Stone7") == ["Anna7 of the family Stone7"]


def test_findings_are_a_tag_over_the_row_and_values_by_their_columns_name(tmp_path: Path) -> None:
    table(tmp_path)
    text = "Ask Bob Stone (E-10424) about 70,000."
    scan = detector(tmp_path).scan((Segment("a", Speaker.USER, Kind.PROSE, text),))
    said = [(f.entity, f.category, f.tag, text[f.start : f.end], f.rule, f.ref) for f in scan.findings]
    assert said == [
        ("TAG", Category.TAG, "hr.compensation", "Bob Stone (E-10424) about 70,000", "index.staff", "a"),
        *[
            (entity, Category.PERSONAL, "", value, "index.staff", "a")
            for entity, value in (("PERSON", "Bob Stone"), ("CUSTOM", "E-10424"))
        ],
    ]
    assert scan.skipped == ()
    assert all(f.validated for f in scan.findings)


def test_configured_tag_goes_before_the_files(tmp_path: Path) -> None:
    table(tmp_path)
    scan = detector(tmp_path, {"staff": "hr"}).scan((Segment("a", Speaker.USER, Kind.PROSE, "E-10424"),))
    assert {f.tag for f in scan.findings} == {"hr", ""}


def test_values_in_the_escapes_of_json_are_found(tmp_path: Path) -> None:
    table(tmp_path)
    texts = [Segment("a", Speaker.TOOL, Kind.JSON, r'{"t": "x\nBob Stone\t70000"}')]
    assert len(detector(tmp_path).scan(texts).findings) == 2


def test_file_holds_no_clear_value(tmp_path: Path) -> None:
    content = table(tmp_path).read_bytes()
    for value in ("Anna", "anna", "Müller", "muller", "10423", "71250", "Sales"):
        for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
            assert value.encode(encoding) not in content


def test_accidental_match_is_rarer_than_one_in_a_billion_runs(tmp_path: Path) -> None:
    index = opened(table(tmp_path), HASHER)
    assert index.arrays["hashes"].dtype == np.uint64  # n values give n / 2**64 for each run; n stays below 2**34
    rng = np.random.default_rng(7)
    text = " ".join(f"{word:x}" for word in rng.integers(0, 1 << 40, 20_000))
    assert exact(tmp_path).passages(Reading(words_of(text), HASHER)) == []


def rows_from(folder: Path, text: str | bytes, columns: tuple[str, ...], dialect: Dialect = Dialect()) -> int:  # noqa: B008  # frozen
    path = folder / "some.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    rows = distinct(read_all([path], columns, dialect, HASHER, tally := Tally()))
    assert tally.rows >= len(rows)
    return len(rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_told_from_the_file(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "x.csv"
    lines = [["name", "note"], ["Müller, Anna", 'says "no; thanks | bye"'], ["Díaz", "two\nlines"]]
    text = "\r\n".join(delimiter.join('"' + f.replace('"', '""') + '"' for f in line) for line in lines)
    path.write_bytes(text.encode(encoding))
    assert header_of(path, Dialect()) == ["name", "note"]
    rows = read_all([path], ["name"], Dialect(), HASHER, Tally())
    expected = HASHER.value_hashes(words_of("Muller Anna"), np.array([0]), np.array([2]))
    assert rows.hashes[0, 0] == expected[0]
    assert len(rows) == 2


def test_ragged_rows_and_long_values_are_counted_and_empty_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\nN/A,-\n\nok," + "word " * 11 + "\n")
    tally = Tally()
    rows = distinct(read_all([path], ["a", "b"], Dialect(), HASHER, tally))
    assert (tally.rows, tally.ragged, tally.long["b"], len(rows)) == (3, 2, 1, 2)


@pytest.mark.parametrize(
    ("text", "dialect", "says"),
    [
        ("", Dialect(), "has no header"),
        ("a,a\n1,2\n", Dialect(), "names a column twice"),
        ("b,c\n1,2\n", Dialect(), "has no column a"),
        ("a,b\n1,2\n", Dialect(encoding="klingon"), "is no encoding"),
        (b"a,b\n\xff\xfe\xfa,2\n", Dialect(encoding="utf-8"), "is not utf-8"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, text: str | bytes, dialect: Dialect, says: str) -> None:
    with pytest.raises(Error, match=says):
        rows_from(tmp_path, text, ("a",), dialect)


def test_rows_are_added_and_dropped_without_their_source(tmp_path: Path) -> None:
    stored = opened(table(tmp_path), HASHER)
    more = tmp_path / "more.csv"
    more.write_text("name,id,salary,gender\nDora Lind,E-10500,55 000,f\nBob Stone,E-10424,70000,m\n")
    names = [column.name for column in PLAN.columns]
    added = read_all([more], names, Dialect(), HASHER, Tally())
    before = rows_of(stored)
    after = distinct(joined([before, added], len(names)))
    assert len(after) == len(before) + 1
    assert len(without(after, added)) == len(before) - 1
    built = arrays_of(distinct(before), PLAN)
    for name in ("hashes", "directory", "begins"):
        assert np.array_equal(built[name], stored.arrays[name])


def judged(folder: Path, text: str, *columns: Column, need: int = 1) -> Plan:
    path = folder / "x.csv"
    path.write_text(text)
    names = [column.name for column in columns] or header_of(path, Dialect())
    plan = Plan(columns or tuple(Column(name, Role.SUPPORT) for name in names), need=need)
    rows = distinct(read_all([path], names, Dialect(), HASHER, Tally()))
    if not columns:
        plan = Plan(suited(strengths(arrays_of(rows, plan), plan)), need=need)
    check(strengths(arrays_of(rows, plan), plan), plan)
    return plan


PEOPLE = "name,gender,level,code\n" + "\n".join(f"Person Number{n:03},{'fm'[n % 2]},{n % 3},K{n:05}" for n in range(60))


def test_columns_get_the_roles_that_suit_them(tmp_path: Path) -> None:
    roles = {column.name: column.role for column in judged(tmp_path, PEOPLE).columns}
    support = Role.SUPPORT
    assert roles == {"name": Role.PRIMARY, "code": Role.PRIMARY, "gender": support, "level": support}
    codes = "code\n" + "\n".join(f"K{n:05}" for n in range(60))
    assert [column.role for column in judged(tmp_path, codes).columns] == [Role.ALONE]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            (Column("gender", Role.PRIMARY), Column("code", Role.SUPPORT)),
            "gender: 100% of its values are short or shared",
        ),
        ((Column("name", Role.PRIMARY), Column("gender", Role.SUPPORT)), "cannot give 1 more"),
        ((Column("level", Role.ALONE),), "too short or too common to stand alone"),
        ((Column("name", Role.SUPPORT), Column("code", Role.SUPPORT)), "no column tells the rows apart"),
        ((Column("name", Role.PRIMARY),), "cannot give 1 more"),
    ],
)
def test_columns_that_tell_no_rows_apart_are_refused(tmp_path: Path, columns: tuple[Column, ...], says: str) -> None:
    with pytest.raises(Errors, match=says):
        judged(tmp_path, PEOPLE, *columns)


def test_two_weak_columns_do_for_one_strong(tmp_path: Path) -> None:
    judged(
        tmp_path, PEOPLE, Column("name", Role.PRIMARY), Column("gender", Role.SUPPORT), Column("level", Role.SUPPORT)
    )


def test_row_whose_name_a_thousand_rows_share_is_found_by_its_other_value(tmp_path: Path) -> None:
    text = "name,code\n" + "\n".join(f"John Smith,K{n:06}" for n in range(1_500)) + "\nRare Name,K999999\n"
    plan = Plan((Column("name", Role.PRIMARY), Column("code", Role.SUPPORT)))
    index = exact(tmp_path, text, plan)
    assert found(index, "Rare Name K999999")
    assert found(index, "John Smith K000001") == ["John Smith K000001"]
    assert found(index, "K000001") == []
    assert found(index, "John Smith") == []


def test_many_rows_and_many_places_of_one_value_stay_linear(tmp_path: Path) -> None:
    text = "name,city,code\n" + "\n".join(f"John Smith,London,K{n:06}" for n in range(900)) + "\n"
    plan = Plan((Column("name", Role.PRIMARY), Column("city", Role.PRIMARY), Column("code", Role.SUPPORT)))
    index = exact(tmp_path, text, plan)
    began = time.process_time()
    assert found(index, "John Smith of London, " * 1_000) == []  # both are common: half and half
    assert found(index, "John Smith of London, " * 1_000 + "K000007")[0].endswith("London, K000007")
    assert time.process_time() - began < 5
