"""A policy that is read again: whole or not at all, and never under an exchange that is being judged."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from detectors.errors import Error
from proxy.config import PolicySection
from proxy.exchange import Action, Decision
from proxy.policy.engines import engine
from proxy.policy.interface import Json
from proxy.policy.reload import Reloading, stamp_of


class Fake:
    """An engine by name, which can be told to fail or to take its time."""

    def __init__(self, revision: str, *, broken: bool = False) -> None:
        self.revision = revision
        self.broken = broken
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> None:
        if self.broken:
            raise Error("tiers: google is no tier", hint="use one of the tiers")

    async def decide(self, facts: Mapping[str, Json]) -> Decision:
        await self.gate.wait()
        assert not self.closed
        return Decision(Action.ALLOW, Action.ALLOW, revision=self.revision)

    async def close(self) -> None:
        self.closed = True


async def test_new_policy_takes_over_and_the_old_one_ends() -> None:
    made = [Fake("one"), Fake("two")]
    left, said = list(made), []
    under = Reloading(lambda: left.pop(0), (), lambda what, revision: said.append((what, revision)))
    await under.start()
    assert (await under.decide({})).revision == "one"
    assert await under.reload()
    assert (await under.decide({})).revision == "two"
    assert made[0].closed
    assert said == [("policy_read", "two")]
    await under.close()
    assert made[1].closed


async def test_exchange_ends_under_the_policy_that_it_asked() -> None:
    made = [Fake("one"), Fake("two")]
    left = list(made)
    under = Reloading(lambda: left.pop(0))
    await under.start()
    made[0].gate.clear()
    asked = asyncio.create_task(under.decide({}))
    await asyncio.sleep(0)
    assert await under.reload()
    assert not made[0].closed
    made[0].gate.set()
    assert (await asked).revision == "one"
    assert made[0].closed
    await under.close()


async def test_policy_that_does_not_hold_leaves_the_old_one_in_force() -> None:
    left, said = [Fake("one"), Fake("two", broken=True), Fake("one")], []
    under = Reloading(lambda: left.pop(0), (), lambda what, revision: said.append((what, revision)))
    await under.start()
    assert not await under.reload()
    assert "google" in under.refused
    assert (await under.decide({})).revision == "one"
    assert await under.reload()
    assert under.refused == ""
    assert said == [("policy_refused", "one")]
    await under.close()


async def test_first_policy_that_does_not_hold_is_an_error() -> None:
    under = Reloading(lambda: Fake("one", broken=True))
    with pytest.raises(Error, match="google"):
        await under.start()
    await under.close()


async def test_changed_tables_are_read_by_themselves(tmp_path: Path) -> None:
    table = tmp_path / "tiers" / "data.yaml"
    table.parent.mkdir()
    tiers = "openai: api\nanthropic: api\ngoogle: {}\nchatgpt: unknown\nclaude_ai: unknown\ngemini_app: unknown\n"
    table.write_text(tiers.format("unknown"))
    changed = asyncio.Event()

    def said(what: str, _: str) -> None:
        heard.append(what)
        changed.set()

    heard: list[str] = []
    section = PolicySection(data=tmp_path)
    under = Reloading(lambda: engine(section), [tmp_path], said, poll=0.02)
    await under.start()
    first = under.revision
    table.write_text(tiers.format("nobody knows"))
    await asyncio.wait_for(changed.wait(), 20)
    assert heard == ["policy_refused"]
    assert under.revision == first
    changed.clear()
    table.write_text(tiers.format("paid"))
    await asyncio.wait_for(changed.wait(), 20)
    assert heard == ["policy_refused", "policy_read"]
    assert under.revision != first
    await under.close()


def test_stamp_tells_a_new_a_changed_and_a_removed_file(tmp_path: Path) -> None:
    stamps = [stamp_of([tmp_path])]
    (tmp_path / "a").write_text("1")
    stamps.append(stamp_of([tmp_path]))
    (tmp_path / "a").write_text("22")
    stamps.append(stamp_of([tmp_path]))
    (tmp_path / "a").unlink()
    assert len(set(stamps)) == 3
    assert stamp_of([tmp_path]) == stamps[0]
    assert stamp_of([tmp_path / "missing"]) == ()
