"""The events of streamed chat completions."""

from detectors.finding import Kind
from proxy.exchange import Json
from proxy.providers.event_frames import EventFrames, Spot, counts, sse
from proxy.providers.jsontext import JsonText, Leaf

TEXTS = {"content": Kind.PROSE, "refusal": Kind.PROSE, "reasoning_content": Kind.REASONING, "reasoning": Kind.REASONING}
USAGE = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


class _Grammar:
    protocol_words = frozenset(
        {
            "id",
            "object",
            "model",
            "role",
            "finish_reason",
            "service_tier",
            "system_fingerprint",
            "type",
            "name",
            "obfuscation",
        }
    )

    def __init__(self) -> None:
        self._head: dict[str, Json] = {"id": "chatcmpl-lockgate", "object": "chat.completion.chunk", "created": 0}

    def spot(self, leaf: Leaf, document: JsonText) -> Spot | None:
        match leaf.path:
            case ("choices", int(at), "delta", str(name)) if name in TEXTS and not leaf.key:
                return Spot(f"{document.value('choices', at, 'index')}/{name}", kind=TEXTS[name])
            case ("choices", int(at), "delta", "tool_calls", int(call), "function", "arguments") if not leaf.key:
                choice = document.value("choices", at, "index")
                number = document.value("choices", at, "delta", "tool_calls", call, "index")
                return Spot(f"{choice}/tool{number}", json=True, kind=Kind.JSON)
            case ("choices", int(at), "delta", "function_call", "arguments") if not leaf.key:
                return Spot(f"{document.value('choices', at, 'index')}/function", json=True, kind=Kind.JSON)
        return None

    def note(self, event: dict[str, Json]) -> bool:
        self._head |= {name: event[name] for name in ("id", "created", "model") if name in event}
        return False  # `[DONE]` does

    def usage(self, event: dict[str, Json]) -> tuple[tuple[str, int], ...]:
        return counts(event.get("usage"), USAGE)

    def ending(self, message: str, exchange_id: str, *, hard: bool) -> bytes:
        if hard:
            error: Json = {
                "message": message,
                "type": "lockgate_blocked",
                "param": exchange_id,
                "code": "content_blocked",
            }
            return sse({"error": error})

        def chunk(delta: dict[str, Json], finish: str | None) -> bytes:
            return sse({**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        return chunk({"content": message}, None) + chunk({}, "content_filter") + b"data: [DONE]\n\n"


class OpenAIChatFrames(EventFrames):
    """Frames of `chat.completion.chunk` events."""

    def __init__(self) -> None:
        super().__init__(_Grammar())
