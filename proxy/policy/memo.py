"""Decisions remembered: rules read nothing but the facts, so equal facts have equal decisions."""

from collections import OrderedDict
from collections.abc import Mapping

from proxy.exchange import Decision
from proxy.policy.decision import written
from proxy.policy.interface import Engine, Json


class Memoized:
    """An engine that remembers its last `size` decisions; not for `server`, whose policies may change under way."""

    def __init__(self, engine: Engine, size: int = 4096) -> None:
        self._engine = engine
        self._size = size
        self._known: OrderedDict[bytes, Decision] = OrderedDict()

    @property
    def revision(self) -> str:
        """Return the digest of the policies and data in force."""
        return self._engine.revision

    async def start(self) -> None:
        """Start the engine with nothing remembered."""
        self._known.clear()
        await self._engine.start()

    async def decide(self, facts: Mapping[str, Json]) -> Decision:
        """Return the remembered decision, else the engine's; a failure is not remembered."""
        key = written(facts)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        decision = await self._engine.decide(facts)
        self._known[key] = decision
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return decision

    async def close(self) -> None:
        """Forget everything and close the engine."""
        self._known.clear()
        await self._engine.close()
