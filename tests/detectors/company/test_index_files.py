"""An index file is read whole and unharmed under its own key, or refused; a folder of them is taken up whole or not at all."""

from pathlib import Path

import pytest
from company_world import HASHER, STAFF, detector, documents, table

from detectors.company.hashing import Hasher
from detectors.company.indexes import Indexes
from detectors.company.store import Draft, opened, save
from detectors.errors import Error
from detectors.finding import Kind, Role, Segment

ENTITIES = {"PERSON", "CUSTOM"}


def test_damage_anywhere_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path)
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        harmed = bytearray(content)
        harmed[place] ^= 0x20
        path.write_bytes(harmed)
        with pytest.raises(Error):
            opened(path, HASHER)
    for length in (0, 10, 60, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(Error):
            opened(path, HASHER)
    path.write_bytes(content + b"x")
    with pytest.raises(Error, match="damaged"):
        opened(path, HASHER)


def test_foreign_key_is_told_from_damage(tmp_path: Path) -> None:
    with pytest.raises(Error, match="built under another key"):
        opened(table(tmp_path), Hasher(b"k" * 32))


def test_other_version_and_other_kind_of_file_are_told(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 9', 1))
    with pytest.raises(Error, match="version 9, this Lockgate reads version 1"):
        opened(path, HASHER)
    path.write_bytes(b"something else altogether" * 9)
    with pytest.raises(Error, match="is no index"):
        opened(path, HASHER)
    save(path, Draft("riddles", "staff", "", {"holds": 0}, {}), HASHER)
    with pytest.raises(Error, match="unknown kind"):
        Indexes(tmp_path, HASHER, ENTITIES)


def test_file_is_for_its_owner_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = table(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {item.name for item in tmp_path.iterdir()} == {"staff.index", "staff.csv"}


def test_every_fault_of_a_folder_is_told_at_once(tmp_path: Path) -> None:
    table(tmp_path)
    documents(tmp_path, ["one two three"])
    (tmp_path / "staff.index").write_bytes(b"harmed")
    (tmp_path / "papers.index").rename(tmp_path / "other.index")
    with pytest.raises(Error) as told:
        Indexes(tmp_path, HASHER, ENTITIES, {"lost": "hr"})
    for part in ("staff.index: is no index", "holds the index papers", "there is no index lost"):
        assert part in str(told.value)


def test_column_called_by_no_entity_is_refused(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(Error, match="called PERSON, which is no entity"):
        Indexes(tmp_path, HASHER, {"CUSTOM"})


def test_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert dict(Indexes(tmp_path / "none", HASHER, ENTITIES).current) == {}


def test_new_version_is_taken_up_and_a_damaged_one_leaves_the_old_in_force(tmp_path: Path) -> None:
    text = (Segment("a", Role.USER, Kind.PROSE, "Dora Lind E-10500"),)
    table(tmp_path)
    found = detector(tmp_path)
    indexes = found._indexes
    first = indexes.revision
    assert not indexes.reload()
    assert found.scan(text).findings == ()
    path = table(tmp_path, STAFF + "Dora Lind;E-10500;Sales;55000;f\n")
    assert indexes.reload()
    assert indexes.revision != first
    assert found.scan(text).findings
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Error, match="damaged"):
        indexes.reload()
    assert found.scan(text).findings
    path.unlink()
    assert indexes.reload()
    assert found.scan(text).findings == ()
