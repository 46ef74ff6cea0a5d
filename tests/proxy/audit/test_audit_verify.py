import gzip
import json
import random
from pathlib import Path

import pytest
from audit_builders import KEY, NOON, event, recorder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.errors import Error
from proxy.audit.chain import is_sealed
from proxy.audit.event import change
from proxy.audit.recorder import FileRecorder
from proxy.audit.verify import Kind, Verification, rotated, verify


class Log:
    """A closed log of two chains, to be tampered with."""

    def __init__(self, folder: Path, events: int = 4) -> None:
        self.folder = folder
        self.path = folder / "audit.jsonl"
        self.state = folder / "state"
        for _ in range(2):
            writer = recorder(folder)
            for _ in range(events):
                writer.emit(event())
            writer.close()

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    def write(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    def verify(self, retired: bool = False) -> Verification:
        return verify([self.path], self.state, KEY, retired=retired)

    def kinds(self, retired: bool = False) -> set[Kind]:
        return {problem.kind for problem in self.verify(retired).problems}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_untouched_log_holds(log: Log) -> None:
    found = log.verify()
    assert found.holds
    assert found.lines == 12
    assert [(chain.first, chain.last, chain.closed) for chain in found.chains] == [(1, 6, True), (1, 6, True)]
    assert found.notes == ()


def test_log_of_a_living_writer_holds_with_a_note(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    writer.emit(event())
    found = verify([tmp_path / "audit.jsonl"], tmp_path / "state", KEY)
    assert found.holds
    assert [note.kind for note in found.notes] == [Kind.NOT_CLOSED]
    writer.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"subject":"ada"', b'"subject":"eve"', id="subject"),
        pytest.param(b'"outcome":"redacted"', b'"outcome":"forwarded"', id="outcome"),
        pytest.param(b'"count":2', b'"count":1', id="count"),
        pytest.param(b'{"actor"', b'{ "actor"', id="space"),
        pytest.param(b'"seq":3', b'"seq":4', id="number"),
    ],
)
def test_edited_line_is_named(log: Log, old: bytes, new: bytes) -> None:
    lines = log.lines
    assert old in lines[2]
    lines[2] = lines[2].replace(old, new, 1)
    log.write(lines)
    problem = next(problem for problem in log.verify().problems if problem.kind is Kind.EDITED)
    assert problem.line == 3
    assert problem.path == str(log.path)


def test_edit_under_a_digest_made_with_another_key_is_named(log: Log, tmp_path: Path) -> None:
    import proxy.audit.chain as chain

    lines = log.lines
    blank = lines[2].rstrip().replace(b'"ada"', b'"eve"')
    digest = json.loads(blank)["chain"]["hash"].encode()
    forged = chain.digest_of(b"guess", blank.replace(digest, b"")).encode()
    lines[2] = blank.replace(digest, forged) + b"\n"
    log.write(lines)
    assert Kind.EDITED in log.kinds()


def test_second_value_of_a_key_is_no_event(log: Log) -> None:
    lines = log.lines
    lines[2] = lines[2].replace(b'{"actor"', b'{"actor":1,"actor"', 1)
    log.write(lines)
    assert log.kinds() == {Kind.MISSING}
    assert [note.kind for note in log.verify().notes] == [Kind.UNREADABLE]


@pytest.mark.parametrize(
    ("at", "kind"),
    [(0, Kind.BEGINS_LATE), (1, Kind.MISSING), (3, Kind.MISSING), (5, Kind.TRUNCATED), (11, Kind.TRUNCATED)],
)
def test_removed_line_is_missed(log: Log, at: int, kind: Kind) -> None:
    lines = log.lines
    del lines[at]
    log.write(lines)
    assert kind in log.kinds()


@pytest.mark.parametrize("keep", range(12))
def test_log_cut_short_anywhere_is_missed(log: Log, keep: int) -> None:
    log.write(log.lines[:keep])
    assert Kind.TRUNCATED in log.kinds()


def test_log_cut_within_its_last_line_is_missed(log: Log) -> None:
    log.path.write_bytes(log.path.read_bytes()[:-20])
    assert log.kinds() == {Kind.TRUNCATED}


def test_whole_chain_removed_is_missed(log: Log) -> None:
    lines = log.lines
    log.write(lines[6:])
    assert log.kinds() == {Kind.TRUNCATED}
    log.write(lines[:6])
    assert log.kinds() == {Kind.TRUNCATED}


def test_missing_events_are_named_by_number(log: Log) -> None:
    lines = log.lines
    log.write([*lines[:2], *lines[4:]])
    (problem,) = log.verify().problems
    assert problem.message == "events 3 to 4 are not in the log"
    assert problem.line == 3


def test_lines_of_two_chains_may_interleave(log: Log) -> None:
    lines = log.lines
    mixed = [line for pair in zip(lines[:6], lines[6:], strict=True) for line in pair]
    log.write(mixed)
    assert log.verify().holds


def test_swapped_lines_are_named(log: Log) -> None:
    lines = log.lines
    lines[2], lines[3] = lines[3], lines[2]
    log.write(lines)
    (problem,) = log.verify().problems
    assert (problem.kind, problem.line) == (Kind.REORDERED, 4)


def test_line_that_stands_twice_is_named(log: Log) -> None:
    lines = log.lines
    log.write([*lines[:3], lines[2], *lines[3:]])
    (problem,) = log.verify().problems
    assert (problem.kind, problem.line) == (Kind.REPEATED, 4)


def test_line_of_nobody_is_named(log: Log) -> None:
    log.write([*log.lines, b'{"kind":"exchange"}\n', b"[1]\n", b'{"chain":{"id":1}}\n'])
    found = log.verify()
    assert [(problem.kind, problem.line) for problem in found.problems] == [(Kind.FOREIGN, 13), (Kind.FOREIGN, 15)]
    assert [note.line for note in found.notes] == [14]


def test_line_of_another_installation_is_named(log: Log, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    state = other / "state"
    state.mkdir()
    from proxy.audit.recorder import Settings

    writer = FileRecorder(Settings(other / "audit.jsonl", state, bytes(32)), clock=lambda: NOON)
    writer.emit(change("policy", "00", NOON))
    writer.close()
    log.write([*log.lines, *(other / "audit.jsonl").read_bytes().splitlines(keepends=True)])
    assert log.kinds() == {Kind.EDITED}


def test_wrong_key_proves_nothing(log: Log) -> None:
    assert not verify([log.path], log.state, bytes(32)).holds


def test_changed_head_is_named(log: Log) -> None:
    (head,) = (log.state / "audit.heads").glob("*.json")
    head.write_bytes(head.read_bytes().replace(b'"seq":6', b'"seq":5'))
    log.write(log.lines[:-1])
    assert Kind.HEAD_CHANGED in log.kinds()
    head.write_bytes(b"")
    assert Kind.HEAD_CHANGED in log.kinds()


def test_removed_head_of_a_chain_without_its_end_is_named(log: Log) -> None:
    (head,) = (log.state / "audit.heads").glob("*.json")
    head.unlink()
    assert log.verify().holds
    log.write(log.lines[:-1])
    assert log.kinds() == {Kind.HEAD_MISSING}


def test_empty_log_with_heads_does_not_hold(log: Log) -> None:
    log.write([])
    assert log.kinds() == {Kind.TRUNCATED}


def test_next_start_after_a_cut_keeps_the_cut_visible(log: Log) -> None:
    log.write(log.lines[:-3])
    recorder(log.folder).close()
    assert log.kinds() == {Kind.TRUNCATED}


def test_line_that_is_not_ours_is_no_anchor(log: Log) -> None:
    fake = json.loads(log.lines[-1])
    fake["chain"]["id"] = "f" * 16
    log.write([*log.lines, json.dumps(fake).encode() + b"\n"])
    recorder(log.folder).close()
    assert log.kinds() == {Kind.EDITED}


def test_log_whose_old_files_are_retired_begins_late(log: Log) -> None:
    log.write(log.lines[3:])
    assert log.kinds() == {Kind.BEGINS_LATE}
    assert log.verify(retired=True).holds
    log.write(log.lines[3:])
    assert log.verify(retired=True).holds
    log.write(log.lines[:-1])
    assert not log.verify(retired=True).holds


def test_rotated_and_compressed_files_are_one_log(log: Log) -> None:
    lines = log.lines
    with gzip.open(f"{log.path}.2.gz", "wb") as file:
        file.write(b"".join(lines[:4]))
    Path(f"{log.path}.1").write_bytes(b"".join(lines[4:9]))
    Path(f"{log.path}.bak").write_bytes(b"{}\n")
    log.write(lines[9:])
    files = rotated(log.path)
    assert [file.name for file in files] == ["audit.jsonl.2.gz", "audit.jsonl.1", "audit.jsonl"]
    assert verify(files, log.state, KEY).holds
    assert not verify(files[1:], log.state, KEY).holds


def test_unreadable_file_is_an_error(log: Log) -> None:
    with pytest.raises(Error, match="cannot be read"):
        verify([log.folder / "none.jsonl"], log.state, KEY)
    cut = log.folder / "cut.gz"
    cut.write_bytes(gzip.compress(b"x" * 1000)[:-9])
    with pytest.raises(Error, match="cannot be read"):
        verify([cut], log.state, KEY)


def test_very_long_line_is_one_unreadable_line(log: Log) -> None:
    lines = log.lines
    log.write([*lines[:6], b"x" * (9 << 20) + b"\n", *lines[6:]])
    found = log.verify()
    assert found.holds
    assert [(note.kind, note.line) for note in found.notes] == [(Kind.UNREADABLE, 7)]
    assert found.lines == 13


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("many"), 6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(), how=st.sampled_from(["byte", "drop", "swap", "double", "cut", "move"]))
def test_no_change_goes_unseen(many: Log, seed: int, how: str) -> None:
    chance = random.Random(seed)
    whole = many.path.read_bytes()
    lines = whole.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    match how:
        case "byte":
            place = chance.randrange(len(whole))
            changed = whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]
        case "drop":
            changed = b"".join(lines[:at] + lines[at + 1 :])
        case "swap":
            at = chance.choice([n for n in range(len(lines) - 1) if n != 7])  # 7 is where one chain follows another
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
            changed = b"".join(lines)
        case "double":
            changed = b"".join([*lines, lines[at]])
        case "cut":
            changed = whole[: chance.randrange(len(whole) - 1)]
        case _:
            lines.append(lines.pop(chance.choice([n for n in range(len(lines) - 1) if n != 7])))
            changed = b"".join(lines)
    try:
        many.path.write_bytes(changed)
        assert not many.verify().holds
    finally:
        many.path.write_bytes(whole)


def test_seal_needs_the_whole_line(many: Log) -> None:
    line = many.lines[3].rstrip()
    assert is_sealed(KEY, line)
    assert not is_sealed(KEY, line + b" ")
    assert not is_sealed(KEY, b" " + line)
