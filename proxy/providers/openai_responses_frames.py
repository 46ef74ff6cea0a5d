"""The events of streamed responses; `*.done` events repeat the text and are judged whole."""

from detectors.finding import Kind
from proxy.exchange import Json
from proxy.providers.event_frames import EventFrames, Spot, counts, sse
from proxy.providers.jsontext import JsonText, Leaf

END = frozenset({"response.completed", "response.failed", "response.incomplete", "error"})
PIECES = ("item_id", "output_index", "content_index", "summary_index")
USAGE = {"input_tokens": "input_tokens", "output_tokens": "output_tokens"}


class _Grammar:
    protocol_words = frozenset(
        {
            "type",
            "id",
            "item_id",
            "call_id",
            "object",
            "status",
            "role",
            "model",
            "obfuscation",
            "tool_choice",
            "truncation",
            "service_tier",
            "effort",
            "summary",
            "verbosity",
            "previous_response_id",
            "name",
        }
    )

    def __init__(self) -> None:
        self._number = -1
        self._response: dict[str, Json] = {}

    def spot(self, leaf: Leaf, document: JsonText) -> Spot | None:
        kind = document.text("type") or ""
        if leaf.path == ("delta",) and kind.endswith(".delta"):
            place = ":".join(str(document.value(name)) for name in PIECES)
            as_json = "arguments" in kind
            return Spot(f"{place}:{kind[:-6]}", json=as_json, kind=Kind.JSON if as_json else Kind.PROSE)
        if kind.endswith(".done") and leaf.path in {("text",), ("refusal",), ("arguments",), ("transcript",)}:
            return Spot(f"repeat:{leaf.path[0]}", whole=True, repeat=True)
        return None

    def note(self, event: dict[str, Json]) -> bool:
        number, response = event.get("sequence_number"), event.get("response")
        self._number = number if isinstance(number, int) else self._number + 1
        if isinstance(response, dict):
            self._response = response
        return event.get("type") in END

    def usage(self, event: dict[str, Json]) -> tuple[tuple[str, int], ...]:
        response = event.get("response")
        return counts(response.get("usage"), USAGE) if isinstance(response, dict) else ()

    def ending(self, message: str, exchange_id: str, *, hard: bool) -> bytes:
        number = self._number + 1
        if hard or not self._response:
            return sse(
                {
                    "type": "error",
                    "code": "content_blocked",
                    "message": message,
                    "param": exchange_id,
                    "sequence_number": number,
                },
                "error",
            )
        kept = {name: value for name, value in self._response.items() if name != "output"}
        response: Json = {
            **kept,
            "status": "incomplete",
            "output": [],
            "incomplete_details": {"reason": "content_filter"},
            "metadata": {"lockgate": message[:512]},
        }
        data: dict[str, Json] = {"type": "response.incomplete", "sequence_number": number, "response": response}
        return sse(data, "response.incomplete")


class OpenAIResponsesFrames(EventFrames):
    """Frames of `response.*` events."""

    def __init__(self) -> None:
        super().__init__(_Grammar())
