"""Builders of records and recorders for the audit's tests."""

from datetime import UTC, datetime
from pathlib import Path

from detectors.finding import Category, Finding, Role, Skipped, SkipReason
from proxy.audit.event import EventBuilder
from proxy.audit.interface import Json
from proxy.audit.record import Answered, Contacted, Judged, Outcome, Record
from proxy.audit.recorder import FileRecorder, Settings
from proxy.audit.text import Cleaner
from proxy.exchange import (
    Action,
    Actor,
    Change,
    Decision,
    Destination,
    Edit,
    Exchange,
    Parameters,
    Phase,
    Reason,
    Redact,
    Source,
    Verdict,
)

KEY = bytes(range(32))
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ACTOR = Actor("ada", ("engineering",), (), (("site", "north"),), Source.BASIC)
PLACE = Destination("api.openai.com", "openai", "", "openai.chat", "gpt-4o", "/v1/chat/completions")
DECISION = Decision(
    Action.REDACT,
    Action.REDACT,
    (Redact("EMAIL_ADDRESS"),),
    (Reason("content.personal", Action.REDACT, "personal data is redacted for this role"),),
    role="engineer",
    revision="sha256:0123456789abcdef",
)


def finding(index: int = 0, entity: str = "EMAIL_ADDRESS", ref: str = "messages/0/content") -> Finding:
    return Finding(ref, 8 * index, 8 * index + 5, entity, Category.PERSONAL, 0.876, "patterns", "email", f"f{index:04}")


def facts(phase: Phase, model: str = "gpt-4o") -> dict[str, Json]:
    return {
        "schema": "lockgate.input/v1",
        "phase": phase.value,
        "time": {"minute": 720, "weekday": "Wednesday", "zone": "UTC"},
        "actor": {
            "subject": "ada",
            "groups": ["engineering"],
            "roles": [],
            "attributes": {"site": "north"},
            "source": "basic",
            "peer": "192.0.2.7",
        },
        "destination": {"host": "api.openai.com", "provider": "openai", "model": model, "catalogued": True},
        "findings": [{"entity": "EMAIL_ADDRESS", "category": "personal", "score": 0.88, "count": 2, "known": False}],
        "reason_given": False,
        "settings": {"monitor": False, "on_unscanned": "block"},
    }


def verdict(phase: Phase = Phase.REQUEST, decision: Decision = DECISION, findings: int = 2) -> Verdict:
    return Verdict(
        Exchange("x-1", phase, ACTOR, PLACE),
        decision,
        tuple(finding(index) for index in range(findings)),
        (Skipped("files/0", SkipReason.BINARY, "text"),),
        (Edit("messages/0/content", 0, 5, "<EMAIL_ADDRESS>"),),
        (Change("temperature", 0.3),),
        b"{}",
        timings=(("scan", 1.23456), ("decide", 0.2)),
    )


def record(**changes: object) -> Record:
    values: dict[str, object] = {
        "id": "01jx5tq0",
        "started": NOON,
        "outcome": Outcome.REDACTED,
        "phase": Phase.RESPONSE,
        "actor": ACTOR,
        "peer": "192.0.2.7",
        "destination": PLACE,
        "via": "forward",
        "port": 443,
        "method": "POST",
        "parameters": Parameters(stream=True, temperature=0.9, max_tokens=200),
        "headers": (("content-type", "application/json"), ("user-agent", "OpenAI/Python 3.1")),
        "connect": Contacted(DECISION, facts(Phase.CONNECT)),
        "request": Judged(verdict(), facts(Phase.REQUEST), 512, 3, {"messages/0/content": Role.USER}),
        "response": Answered(
            200,
            Judged(verdict(Phase.RESPONSE), facts(Phase.RESPONSE), 900, 1),
            900,
            True,
            "holdback",
            False,
            "gpt-4o-2024-08-06",
            (("input_tokens", 12), ("output_tokens", 34)),
        ),
        "timings": (("total", 123.45678),),
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def builder() -> EventBuilder:
    return EventBuilder(Cleaner(lambda text: text))


def event(**changes: object) -> dict[str, Json]:
    return builder().build(record(**changes))


def recorder(folder: Path, path: Path | None = None, **settings: object) -> FileRecorder:
    state = folder / "state"
    state.mkdir(exist_ok=True)
    given: dict[str, object] = {"gate": {"version": "0.1.0", "config": "sha256:00"}} | settings
    return FileRecorder(Settings(path or folder / "audit.jsonl", state, KEY, **given), clock=lambda: NOON)  # type: ignore[arg-type]
