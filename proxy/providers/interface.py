"""What a wire format is to the gate: bodies in, documents out, and documents with edits back to bodies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from detectors.errors import Error
from detectors.finding import SkipReason
from proxy.exchange import Change, Document, Edit


class RenderError(Error):
    """An edit or a change cannot be made, so the exchange must be blocked: never send the body as it came.

    `reason` is SIGNED where the text is under a provider's signature, FAILED where edits do not fit the document.
    """

    def __init__(self, message: str, reason: SkipReason, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delta:
    """Text that one event of a stream adds to a channel, or repeats of it.

    `channel` keeps apart what a reader sees apart: a choice's text, its refusal, its reasoning, one tool call's
    arguments. `place` is the codec's own pointer into the event, so that the text can be spliced. A `repeat` carries
    the whole text of its channel again (a `*.done` event): it takes the channel's edits, it adds nothing.
    """

    channel: str
    text: str = field(repr=False)
    place: object = field(default=None, repr=False, compare=False)
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream as it came: its exact bytes, the text it carries, and whether it ends the stream.

    `opaque` marks an event that could not be read: it counts as not inspected, never as passed.
    """

    raw: bytes = field(repr=False)
    deltas: tuple[Delta, ...] = ()
    ends: bool = False
    opaque: bool = False
    usage: tuple[tuple[str, int], ...] = ()


class Frames(Protocol):
    """A stream's parser, sans IO: any split of the bytes gives the same frames, and their `raw` joined is the input."""

    def feed(self, data: bytes) -> Sequence[Frame]:
        """Return the frames that `data` completes."""

    def close(self) -> Sequence[Frame]:
        """Return what is left at the end of the stream as frames; a torn event is an opaque one."""

    def splice(self, frame: Frame, texts: Sequence[str]) -> bytes:
        """Return the frame's bytes with each delta's text replaced by the text at the same index.

        Equal texts give the frame's own bytes.
        """

    def ending(self, message: str, exchange_id: str, *, hard: bool = False) -> bytes:
        """Return the events that end this stream after a block, valid at this point, in the provider's own words."""


class Codec(Protocol):
    """One wire format. Stateless; `name` is the operation's name in the catalogue, the policy and the audit."""

    @property
    def name(self) -> str:
        """Return the format's name."""

    def parse_request(self, body: bytes, path: str) -> Document:
        """Return every place of a decoded request body that carries text; what cannot be read is `Skipped`.

        `path` is the request's path with query: some formats name the model or the streaming there.
        """

    def parse_response(self, body: bytes) -> Document:
        """Return every place of a decoded, whole answer that carries text."""

    def render(self, document: Document, edits: Sequence[Edit], changes: Sequence[Change] = ()) -> bytes:
        """Return the body with edits and changes spliced in; every other byte is as it came.

        A change is made where the body sets the parameter and nowhere else. Raise RenderError where an edit would touch
        signed text or the query, or where a change belongs into the path: block then.
        """

    def readdress(self, path: str, changes: Sequence[Change]) -> tuple[str, tuple[Change, ...]]:
        """Return the path with those changes made that live there, and the changes that are left for `render`.

        Gemini names the model in the path; the other formats give path and changes back as they are.
        """

    def usage(self, document: Document) -> tuple[tuple[str, int], ...]:
        """Return an answer's token counts by OpenTelemetry's names without prefix (`input_tokens`, `output_tokens`)."""

    def frames(self, content_type: str) -> Frames:
        """Return a parser for a streamed answer of that content type."""

    def is_stream(self, content_type: str, parameters_stream: bool) -> bool:
        """Return whether an answer of this content type comes in events."""

    def refusal(self, status: int, message: str, code: str, exchange_id: str) -> bytes:
        """Return an error body of this provider's own shape, so that its SDK raises its own error."""
