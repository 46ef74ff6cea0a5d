import ctypes
import errno
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from audit_builders import KEY, NOON, event, record, recorder
from hypothesis import given
from hypothesis import strategies as st

from proxy.audit.chain import Chain, is_sealed, rendered
from proxy.audit.file import STEP, LineFile
from proxy.audit.interface import AuditUnavailable, Json
from proxy.audit.lines import lines
from proxy.audit.query import Filter, Query
from proxy.audit.recorder import Alarm, FileRecorder, Settings
from proxy.audit.verify import Kind, verify


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def program_log() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as kept:
        yield kept


class World:
    """A recorder over a path of its own choice, with its clock, alarms and stderr."""

    def __init__(self, folder: Path, path: Path | None = None, **settings: object) -> None:
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        self.path = path or folder / "audit.jsonl"
        self.clock = Clock()
        self.alarms: list[Alarm] = []
        self.stderr = io.StringIO()
        self.settings = Settings(self.path, self.state, KEY, {"version": "0.1.0"}, **settings)  # type: ignore[arg-type]

    def recorder(self) -> FileRecorder:
        return FileRecorder(self.settings, self.alarms.append, lambda: NOON, self.clock, self.stderr)

    def kinds(self) -> list[str]:
        return [str(line.event and line.event["kind"]) for line in lines([self.path])]

    def check(self) -> list[Kind]:
        found = verify([self.path] if self.path.is_file() else [], self.state, KEY)
        assert found.holds == (not found.problems)
        return [problem.kind for problem in (*found.problems, *found.notes)]

    def spooled(self) -> list[bytes]:
        return [line for path in (self.state / "spool").glob("*.jsonl") for line in path.read_bytes().splitlines()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(options, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    assert os.statvfs(folder).f_bavail == 0
    return filler


def emitted_until_refused(writer: FileRecorder) -> tuple[int, str]:
    for count in range(1000):
        try:
            writer.reserve()
        except AuditUnavailable as error:
            return count, str(error)
        writer.emit(event())
    raise AssertionError("never refused")


def test_events_become_one_closed_chain(tmp_path: Path) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    for _ in range(3):
        writer.reserve()
        writer.emit(event())
    writer.close()
    writer.close()
    assert world.kinds() == ["genesis", "exchange", "exchange", "exchange", "close"]
    assert world.check() == []
    assert world.path.stat().st_mode & 0o777 == 0o600
    assert (world.state / "audit.heads").stat().st_mode & 0o777 == 0o700
    assert world.spooled() == []
    assert list((world.state / "spool").iterdir()) == []


def test_line_is_sorted_json_with_the_chain_and_its_own_digest(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    writer.emit(event(reason_given="Grüße"))
    line = (tmp_path / "audit.jsonl").read_bytes().splitlines()[1]
    found = json.loads(line)
    assert "Grüße".encode() in line
    assert line == json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert found["chain"].keys() == {"id", "seq", "prev", "hash"}
    assert is_sealed(KEY, line)
    assert not is_sealed(bytes(32), line)
    writer.close()


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=30) | st.integers() | st.none(), max_size=4))
def test_any_content_is_sealed_and_any_other_byte_breaks_the_seal(content: dict[str, Json]) -> None:
    chain = Chain(KEY, "a" * 16)
    content = {key.encode("utf-8", "replace").decode(): value for key, value in content.items() if key != "chain"}
    clean = {
        key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for key, value in content.items()
    }
    line = chain.seal(None, "", rendered(chain.link(None, "", dict(clean))))[:-1]
    assert is_sealed(KEY, line)
    assert json.loads(line)["chain"]["hash"]
    for at in range(0, len(line), 7):
        assert not is_sealed(KEY, line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :])


def test_next_chain_names_the_ended_one_and_its_head_goes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.recorder().close()
    writer = world.recorder()
    first, last, genesis = [line.event for line in lines([world.path])]
    assert first
    assert last
    assert genesis
    chain = last["chain"]
    assert isinstance(chain, dict)
    assert genesis["anchors"] == [{"id": chain["id"], "seq": 2, "hash": chain["hash"]}]
    assert len(list((world.state / "audit.heads").glob("*.json"))) == 1
    writer.close()
    assert world.check() == []


def test_chains_of_several_writers_share_a_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    writers = [world.recorder() for _ in range(3)]
    for _ in range(5):
        for writer in writers:
            writer.emit(event())
    for writer in reversed(writers):
        writer.close()
    found = verify([world.path], world.state, KEY)
    assert found.holds
    assert sorted(chain.last for chain in found.chains) == [7, 7, 7]


def test_threads_of_one_process_share_a_chain(tmp_path: Path) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    threads = [threading.Thread(target=lambda: [writer.emit(event()) for _ in range(40)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert world.check() == []
    assert len(world.kinds()) == 162


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from audit_builders import event, recorder
writer = recorder(Path(sys.argv[2]))
for _ in range(100):
    writer.reserve()
    writer.emit(event())
if sys.argv[3] == "kill":
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
writer.close()
"""


def test_processes_share_a_file_and_a_killed_one_is_only_not_closed(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, here, str(tmp_path), how], env={**os.environ, "PYTHONPATH": "."}
        )
        for how in ("close", "kill", "close")
    ]
    assert [run.wait(60) for run in runs] == [0, -9, 0]
    world = World(tmp_path)
    assert world.check() == [Kind.NOT_CLOSED]
    world.recorder().close()
    assert world.check() == [Kind.NOT_CLOSED]
    assert list((world.state / "audit.heads").glob("*.json")) != []


def test_recorder_of_a_parent_refuses_in_a_fork(tmp_path: Path) -> None:
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from audit_builders import event, recorder
from proxy.audit.interface import AuditUnavailable
writer = recorder(Path(sys.argv[2]))
if child := os.fork():
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    writer.close()
    sys.exit(status)
refused = 0
for call in (writer.reserve, lambda: writer.emit(event())):
    try:
        call()
    except AuditUnavailable:
        refused += 1
writer.close()
os._exit(0 if refused == 2 else 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": "."},
        timeout=60,
    )
    assert done.returncode == 0
    assert World(tmp_path).kinds() == ["genesis", "close"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"kind": "exchange"}, id="no-schema"),
        pytest.param({**event(), "prompt": "x"}, id="unknown-part"),
        pytest.param({key: value for key, value in event().items() if key != "actor"}, id="missing-part"),
        pytest.param({**event(), "kind": "other"}, id="unknown-kind"),
        pytest.param({**event(), "kind": "close"}, id="wrong-kind"),
        pytest.param({**event(), "time": ""}, id="no-time"),
        pytest.param({**event(), "timings": {"total": float("nan")}}, id="nan"),
        pytest.param({**event(), "actor": object()}, id="not-json"),
        pytest.param({**event(), "actor": {"subject": "\ud800"}}, id="surrogate"),
        pytest.param({**event(), "kind": []}, id="list-kind"),
    ],
)
def test_malformed_event_is_refused_and_harms_no_other(tmp_path: Path, broken: dict[str, Json]) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    with pytest.raises(AuditUnavailable, match="malformed"):
        writer.emit(broken)
    writer.emit(event())
    writer.close()
    assert world.kinds() == ["genesis", "exchange", "close"]
    assert world.check() == []


def test_dev_full_blocks_and_the_blocked_event_waits_in_the_spool(tmp_path: Path) -> None:
    world = World(tmp_path, Path("/dev/full"))
    writer = world.recorder()
    with pytest.raises(AuditUnavailable, match="No space") as caught:
        writer.reserve()
    assert "audit.path" in caught.value.hint
    writer.emit(event())
    assert [json.loads(line)["kind"] for line in world.spooled()] == ["genesis", "exchange"]
    assert world.alarms == ["spooled", "spooled"]
    writer.close()
    assert len(world.spooled()) == 3


@pytest.mark.parametrize("what", ["folder-missing", "is-folder", "fifo"])
def test_path_that_takes_no_events_blocks(tmp_path: Path, what: str) -> None:
    path = tmp_path / "log" / "audit.jsonl"
    if what == "is-folder":
        path.mkdir(parents=True)
    if what == "fifo":
        path.parent.mkdir()
        os.mkfifo(path)
    world = World(tmp_path, path)
    writer = world.recorder()
    with pytest.raises(AuditUnavailable):
        writer.reserve()
    writer.emit(event())
    assert len(world.spooled()) == 2
    writer.close()


def test_path_that_comes_back_is_found_and_gets_what_waited(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "log" / "audit.jsonl")
    writer = world.recorder()
    writer.emit(event())
    world.path.parent.mkdir()
    with pytest.raises(AuditUnavailable):
        writer.reserve()
    world.clock.now += 1
    writer.reserve()
    writer.emit(event())
    writer.close()
    assert world.kinds() == ["genesis", "exchange", "exchange", "close"]
    assert world.check() == []
    assert world.alarms == ["spooled", "spooled", "recovered"]


def test_spool_mode_goes_on_without_the_file_and_alarms(tmp_path: Path) -> None:
    world = World(tmp_path, Path("/dev/full"), on_failure="spool")
    writer = world.recorder()
    for _ in range(3):
        writer.reserve()
        writer.emit(event())
    assert len(world.spooled()) == 4
    assert world.alarms == ["spooled"] * 4
    writer.close()


def test_spool_of_a_dead_writer_is_moved_by_the_next_start(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "log" / "audit.jsonl", on_failure="spool")
    world.recorder().close()
    assert len(world.spooled()) == 2
    world.path.parent.mkdir()
    writer = world.recorder()
    assert world.kinds() == ["genesis", "close", "genesis"]
    writer.close()
    assert world.spooled() == []
    assert world.check() == []


def test_line_that_a_dead_writer_had_moved_already_is_not_moved_again(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path / "log" / "audit.jsonl", on_failure="spool")
    world.recorder().close()
    world.path.parent.mkdir()
    world.path.write_bytes(world.spooled()[0] + b"\n")
    world.recorder().close()
    assert world.kinds() == ["genesis", "close", "genesis", "close"]
    assert world.check() == []


def test_verify_reads_what_still_waits_in_the_spool(tmp_path: Path) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    writer.emit(event())
    world.path.rename(tmp_path / "moved.jsonl")
    world.path.mkdir()
    with pytest.raises(AuditUnavailable):
        writer.reserve()
    writer.emit(event())
    writer.close()
    found = verify([tmp_path / "moved.jsonl"], world.state, KEY)
    assert found.holds
    assert found.lines == 4


def test_event_that_nothing_takes_goes_to_stderr_and_raises(tmp_path: Path) -> None:
    world = World(tmp_path, Path("/dev/full"))
    (world.state / "spool").write_text("in the way")
    writer = world.recorder()
    with pytest.raises(AuditUnavailable):
        writer.reserve()
    with pytest.raises(AuditUnavailable):
        writer.emit(event())
    assert json.loads(world.stderr.getvalue().splitlines()[-1])["exchange"]["id"] == record().id
    assert "lost" in world.alarms
    writer.close()


def test_full_disk_keeps_room_for_the_event_that_was_reserved(small_disk: Path, tmp_path: Path) -> None:
    world = World(tmp_path, small_disk / "audit.jsonl")
    writer = world.recorder()
    writer.reserve()
    fill(small_disk)
    for _ in range(20):
        writer.emit(event())
    assert world.kinds() == ["genesis"] + ["exchange"] * 20
    assert world.alarms == []
    writer.close()
    assert world.check() == []


def test_full_disk_blocks_before_the_room_is_used_up_and_recovers(small_disk: Path, tmp_path: Path) -> None:
    world = World(tmp_path, small_disk / "audit.jsonl")
    writer = world.recorder()
    filler = fill(small_disk)
    written, why = emitted_until_refused(writer)
    assert "No space" in why
    assert 50 < written < STEP / 2000
    writer.emit(event())
    assert len(world.spooled()) == 1
    filler.unlink()
    world.clock.now += 1
    writer.reserve()
    assert world.spooled() == []
    writer.close()
    assert world.check() == []
    assert world.kinds().count("exchange") == written + 1


def test_everything_on_one_full_disk_still_keeps_the_blocked_events(small_disk: Path) -> None:
    world = World(small_disk)
    writer = world.recorder()
    fill(small_disk)
    emitted_until_refused(writer)
    for _ in range(30):
        writer.emit(event())
    assert len(world.spooled()) == 30
    assert "lost" not in world.alarms
    writer.close()
    assert verify([world.path], world.state, KEY).holds


def test_file_system_that_turns_read_only_blocks(small_disk: Path, tmp_path: Path) -> None:
    world = World(tmp_path, small_disk / "audit.jsonl")
    writer = world.recorder()
    writer.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    writer = world.recorder()
    with pytest.raises(AuditUnavailable, match="Read-only"):
        writer.reserve()
    writer.emit(event())
    assert len(world.spooled()) == 2
    writer.close()


def test_line_torn_by_a_short_write_is_ended_and_comes_whole_from_the_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    write, short = os.write, [40]
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: short.pop()] if short else data))
    writer.emit(event())
    assert world.alarms == ["spooled"]
    assert len(world.spooled()) == 1
    world.clock.now += 1
    writer.emit(event())
    writer.close()
    assert world.kinds() == ["genesis", "None", "exchange", "exchange", "close"]
    assert world.check() == [Kind.UNREADABLE]


def test_torn_last_line_never_merges_with_the_next_event(tmp_path: Path) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    writer.emit(event())
    with world.path.open("ab") as file:
        file.write(b'{"actor":{"subj')
    writer.emit(event())
    writer.close()
    assert world.kinds() == ["genesis", "exchange", "None", "exchange", "close"]
    found = verify([world.path], world.state, KEY)
    assert found.holds
    assert [(note.kind, note.line) for note in found.notes] == [(Kind.UNREADABLE, 3)]
    query = Query([world.path], Filter())
    assert len(list(query)) == 2
    assert query.unreadable == 1


@pytest.mark.parametrize("how", ["rename", "remove", "reopen"])
def test_rotated_file_is_followed_and_the_chain_goes_on(tmp_path: Path, how: str) -> None:
    world = World(tmp_path)
    writer = world.recorder()
    writer.emit(event())
    old = tmp_path / "audit.jsonl.1"
    if how == "remove":
        old.write_bytes(world.path.read_bytes())
        world.path.unlink()
    else:
        world.path.rename(old)
    if how == "reopen":
        writer.reopen()
    writer.reserve()
    writer.emit(event())
    writer.close()
    assert world.kinds() == ["exchange", "close"]
    assert world.path.stat().st_mode & 0o777 == 0o600
    assert verify([old, world.path], world.state, KEY).problems == ()


def test_existing_file_keeps_the_mode_its_owner_gave(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.path.touch(0o640)
    world.path.chmod(0o640)
    world.recorder().close()
    assert world.path.stat().st_mode & 0o777 == 0o640


def test_fsync_follows_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    world = World(tmp_path, fsync=10.0)
    writer = world.recorder()
    synced.clear()
    for _ in range(5):
        writer.emit(event())
    assert synced == []
    world.clock.now += 10
    writer.emit(event())
    assert len(synced) == 1
    writer.close()


def test_disk_that_fails_to_sync_blocks_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, fsync=0.0)
    writer = world.recorder()

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    writer.emit(event())
    with pytest.raises(AuditUnavailable, match="Input/output"):
        writer.reserve()
    monkeypatch.undo()
    writer.close()


def test_file_system_without_preallocation_is_measured_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def __init__(self, *_: object, **__: object) -> None:
            self.fallocate = Call()

    class Call:
        argtypes: object = None

        def __call__(self, *_: object) -> int:
            ctypes.set_errno(errno.EOPNOTSUPP)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Libc)
    file = LineFile(tmp_path / "a.jsonl")
    file.ensure_room()
    file.append(b"{}\n")
    monkeypatch.setattr(os, "fstatvfs", lambda _: os.statvfs_result((4096, 4096, 9, 9, 9, 9, 9, 9, 0, 255)))
    with pytest.raises(OSError, match="No space"):
        file.ensure_room()
    file.close()


def test_room_is_kept_ahead_without_growing_the_file(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.jsonl")
    file.ensure_room()
    file.append(b"{}\n")
    found = (tmp_path / "a.jsonl").stat()
    file.close()
    if found.st_blocks * 512 < STEP:
        pytest.skip("this file system keeps no room ahead")
    assert found.st_size == 3


def test_settings_show_no_key(tmp_path: Path) -> None:
    assert str(KEY) not in repr(World(tmp_path).settings)
