"""Proof that a log is whole: every line's own digest, every chain's order, and nothing gone from its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from proxy.audit.chain import ZERO, is_sealed
from proxy.audit.heads import FOLDER as HEADS
from proxy.audit.heads import Standing, read
from proxy.audit.interface import Json
from proxy.audit.lines import Line, lines
from proxy.audit.spool import FOLDER as SPOOL


class Kind(StrEnum):
    """What can be wrong with a log."""

    EDITED = "edited"  # the line's digest is not that of its bytes
    FOREIGN = "foreign"  # a line that no chain of this key wrote
    REPEATED = "repeated"
    REORDERED = "reordered"
    MISSING = "missing"  # numbers that no line of the chain has
    UNLINKED = "unlinked"  # the line names another predecessor
    TRUNCATED = "truncated"  # the head or a later chain knows of more
    MISCOUNTED = "miscounted"  # the closing event counts otherwise, or is not the last
    BEGINS_LATE = "begins_late"  # the first line of a chain is not its genesis
    HEAD_CHANGED = "head_changed"
    HEAD_MISSING = "head_missing"  # a chain that never closed, and nobody knows how far it went
    UNREADABLE = "unreadable"  # a torn line: a crash or a full disk
    NOT_CLOSED = "not_closed"  # its writer lives, or was killed


HARMLESS = frozenset({Kind.UNREADABLE, Kind.NOT_CLOSED})  # what happens without anybody's doing; what it hides is a gap
RETIRED = frozenset({Kind.BEGINS_LATE})  # harmless where old files were retired


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `path` and `line` are empty where something is not there at all."""

    kind: Kind
    chain: str = ""
    message: str = ""
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """One chain as it stands in the log."""

    id: str
    first: int
    last: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The result: `problems` break the proof, `notes` do not."""

    lines: int
    chains: tuple[ChainSummary, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]

    @property
    def holds(self) -> bool:
        """Return whether the log is proven whole."""
        return not self.problems


@dataclass(slots=True)
class _State:
    first: int
    seq: int  # the highest seen
    hash: str  # of that line; empty where the line was edited
    missing: dict[int, int] = field(default_factory=dict)  # first → last of each gap, with where it was noticed
    noticed: dict[int, Line] = field(default_factory=dict)
    closed: bool = False
    edited: bool = False


def verify(paths: Sequence[Path], state_dir: Path, key: bytes, *, retired: bool = False) -> Verification:
    """Prove the log in `paths` (oldest first) and what still waits in the spool; raise Error for an unreadable file.

    `retired` says that older files were removed by retention: a chain may then begin late, or be known by name alone.
    """
    standings, changed = read(state_dir / HEADS, key)
    spooled = sorted((state_dir / SPOOL).glob("*.jsonl"))
    check = _Check(key)
    for line in lines((*paths, *spooled)):
        check.take(line)
    for path in changed:
        check.say(Kind.HEAD_CHANGED, path.stem, "its head file was changed or is no head", path=str(path))
    check.finish({standing.link.id: standing for standing in standings}, retired)
    return check.result(retired)


class _Check:
    def __init__(self, key: bytes) -> None:
        self._key = key
        self._count = 0
        self._chains: dict[str, _State] = {}
        self._anchors: dict[str, tuple[int, str]] = {}
        self._problems: list[Problem] = []

    def say(self, kind: Kind, chain: str, message: str, line: Line | None = None, path: str = "") -> None:
        """Note a problem."""
        where = str(line.path) if line else path
        self._problems.append(Problem(kind, chain, message, where, line.number if line else 0))

    def take(self, line: Line) -> None:
        """Take the next line."""
        self._count += 1
        if line.event is None:
            self.say(Kind.UNREADABLE, "", "no event can be read here", line)
            return
        place = _place(line.event)
        if place is None:
            self.say(Kind.FOREIGN, "", "the line belongs to no chain", line)
            return
        id_, seq, prev, digest = place
        sealed = is_sealed(self._key, line.data)
        state = self._chains.get(id_)
        if not sealed:
            known = state is not None and seq == state.seq + 1
            self.say(Kind.EDITED, id_, f"event {seq} does not carry its digest", line)
            if known and state is not None:
                state.seq, state.hash, state.edited = seq, "", True
            return
        if state is None:
            state = self._chains[id_] = self._begun(line, id_, seq, prev, digest)
        elif not self._in_order(state, line, id_, seq, prev, digest):
            return
        self._own_word(state, line.event, line, id_, seq)

    def _begun(self, line: Line, id_: str, seq: int, prev: str, digest: str) -> _State:
        if seq != 1:
            self.say(Kind.BEGINS_LATE, id_, f"the first event here is {seq}", line)
        elif prev != ZERO:
            self.say(Kind.UNLINKED, id_, "the first event names a predecessor", line)
        return _State(seq, seq, digest)

    def _in_order(self, state: _State, line: Line, id_: str, seq: int, prev: str, digest: str) -> bool:
        """Return whether the line carries the chain on."""
        if seq <= state.seq:
            if _fill(state, seq):
                self.say(Kind.REORDERED, id_, f"event {seq} stands after {state.seq}", line)
            else:
                self.say(Kind.REPEATED, id_, f"event {seq} stands here again", line)
            return False
        if seq > state.seq + 1:
            state.missing[state.seq + 1] = seq - 1
            state.noticed[state.seq + 1] = line
        elif state.hash and prev != state.hash:
            self.say(Kind.UNLINKED, id_, f"event {seq} names another predecessor", line)
        if state.closed:
            self.say(Kind.MISCOUNTED, id_, f"event {seq} stands after the closing one", line)
        state.seq, state.hash = seq, digest
        return True

    def _own_word(self, state: _State, event: dict[str, Json], line: Line, id_: str, seq: int) -> None:
        if event.get("kind") == "close":
            state.closed = True
            if event.get("count") != seq:
                self.say(Kind.MISCOUNTED, id_, f"the closing event counts otherwise than {seq}", line)
        anchors = event.get("anchors")
        if event.get("kind") != "genesis" or not isinstance(anchors, list):
            return
        for anchor in anchors:
            if isinstance(anchor, dict) and isinstance(seen := anchor.get("seq"), int):
                name = str(anchor.get("id"))
                if seen > self._anchors.get(name, (-1, ""))[0]:
                    self._anchors[name] = (seen, str(anchor.get("hash")))

    def finish(self, heads: dict[str, Standing], retired: bool) -> None:
        """Compare what was read with what heads and anchors know."""
        for id_, state in self._chains.items():
            for first, last in sorted(state.missing.items()):
                span = f"event {first} is" if first == last else f"events {first} to {last} are"
                self.say(Kind.MISSING, id_, f"{span} not in the log", state.noticed.get(first))
            if not state.closed:
                self.say(Kind.NOT_CLOSED, id_, f"the chain stands open at event {state.seq}")
                if id_ not in heads and id_ not in self._anchors:
                    self.say(Kind.HEAD_MISSING, id_, "the chain has no head, so its end cannot be proven")
        known = [(id_, seq, digest, "a later chain") for id_, (seq, digest) in self._anchors.items()]
        known += [(id_, head.link.seq, head.link.hash, "its head") for id_, head in heads.items()]
        for id_, seq, digest, who in known:
            self._reaches(id_, seq, digest, who, retired)

    def _reaches(self, id_: str, seq: int, digest: str, who: str, retired: bool) -> None:
        state = self._chains.get(id_)
        if seq == 0:
            return
        if state is None:
            kind = Kind.BEGINS_LATE if retired and who != "its head" else Kind.TRUNCATED
            self.say(kind, id_, f"{who} knows {seq} events, the log has none")
        elif state.seq < seq:
            self.say(Kind.TRUNCATED, id_, f"{who} knows {seq} events, the log ends at {state.seq}")
        elif state.seq == seq and state.hash and state.hash != digest:
            self.say(Kind.UNLINKED, id_, f"{who} knows another event {seq}")

    def result(self, retired: bool) -> Verification:
        """Return everything in one value."""
        harmless = HARMLESS | RETIRED if retired else HARMLESS
        chains = (ChainSummary(id_, state.first, state.seq, state.closed) for id_, state in self._chains.items())
        ordered = sorted(self._problems, key=lambda problem: (problem.path, problem.line, problem.kind))
        return Verification(
            self._count,
            tuple(chains),
            tuple(problem for problem in ordered if problem.kind not in harmless),
            tuple(problem for problem in ordered if problem.kind in harmless),
        )


def _fill(state: _State, seq: int) -> bool:
    """Take a number out of the gaps; return whether it was missing."""
    for first, last in state.missing.items():
        if first <= seq <= last:
            line = state.noticed.pop(first)
            del state.missing[first]
            for start, end in ((first, seq - 1), (seq + 1, last)):
                if start <= end:
                    state.missing[start], state.noticed[start] = end, line
            return True
    return False


def _place(event: dict[str, Json]) -> tuple[str, int, str, str] | None:
    chain = event.get("chain")
    if not isinstance(chain, dict):
        return None
    id_, seq, prev, digest = chain.get("id"), chain.get("seq"), chain.get("prev"), chain.get("hash")
    if not (isinstance(id_, str) and isinstance(seq, int) and isinstance(prev, str) and isinstance(digest, str)):
        return None
    return id_, seq, prev, digest


def rotated(path: Path) -> tuple[Path, ...]:
    """Return a log's files, oldest first, as logrotate names them: audit.jsonl.2.gz, audit.jsonl.1, audit.jsonl."""
    numbered = ((_age(path, other), other) for other in path.parent.glob(f"{path.name}.*"))
    older = sorted(((age, other) for age, other in numbered if age), reverse=True)
    return (*(other for _, other in older), path)


def _age(path: Path, other: Path) -> int:
    rest = other.name.removeprefix(f"{path.name}.").removesuffix(".gz")
    return int(rest) if rest.isdecimal() else 0
