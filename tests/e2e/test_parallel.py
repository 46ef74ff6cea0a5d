"""Many streams of one client at once: none waits for another, whatever HTTP version either side speaks."""

import asyncio
import time
from pathlib import Path

from running import gate, provider, settings

CHAT = "https://api.openai.com/v1/chat/completions"
STREAMS = 12


async def test_a_dozen_streams_of_one_client_take_as_long_as_one(tmp_path: Path) -> None:
    with (
        provider(tmp_path, pause=0.2) as upstream,
        gate(tmp_path / "gate", settings(tmp_path / "gate", upstream)) as running,
    ):
        async with running.async_client(http2=True) as client:

            async def ask(number: int) -> float:
                began = time.monotonic()
                text = f"Question {number}."
                body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": text}]}
                async with client.stream("POST", CHAT, json=body, headers={"authorization": "Bearer k"}) as answer:
                    assert answer.status_code == 200
                    assert b"[DONE]" in await answer.aread()
                return time.monotonic() - began

            alone = await ask(0)
            began = time.monotonic()
            await asyncio.gather(*(ask(number + 1) for number in range(STREAMS)))
            together = time.monotonic() - began
    assert len(upstream.received) == STREAMS + 1
    assert alone > 0.8  # four pieces and their pauses
    assert together < 3 * alone  # one after another would be twelve times, five at a time three times
