"""The data of the moderation rails: hosts, thresholds, flows and the examples every rail is held to."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from detectors.errors import Error, Errors
from detectors.finding import Kind

type Score = Annotated[float, Field(ge=0, le=1)]
type Host = Annotated[str, Field(pattern=r"^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$")]


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("a flow is named twice")
    return names


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExfilScores(_Data):
    """How sure a finding is: an image that is loaded, a link that must be followed, either of them inside code."""

    image: Score
    link: Score
    in_code: Score


class ExfilRules(_Data):
    """Whose images may be shown, whose addresses carry hashes by nature, and what counts as encoded data."""

    image_hosts: frozenset[Host]
    path_hosts: frozenset[Host]
    ignored_hosts: frozenset[Host]
    encoded_length: Annotated[int, Field(ge=8, le=64)]
    scores: ExfilScores


class TerminalScores(_Data):
    """How sure a finding is: a control sequence, or characters that cannot be seen."""

    control: Score
    hidden: Score


class TerminalRules(_Data):
    """How many invisible characters in a row are too many."""

    hidden_run: Annotated[int, Field(ge=2, le=16)]
    scores: TerminalScores


class Streaming(_Data):
    """NeMo's own switches, kept so that its stream runs the same flows."""

    enabled: Literal[True]
    stream_first: Literal[False]


class Output(_Data):
    """The flows that look at answers, in their order."""

    flows: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_once)]
    streaming: Streaming


class RailsSection(_Data):
    """Rails on answers alone: a request is looked at by the detectors themselves."""

    output: Output


class Settings(_Data):
    """The part of NeMo's configuration that is supported: no model, no knowledge base, no import of other files."""

    models: tuple[()]
    rails: RailsSection


class Example(_Data):
    """A text that a rail must find something in (`match`) or must leave alone (`clean`)."""

    rail: Literal["exfil", "terminal"]
    expect: Literal["match", "clean"]
    text: str = Field(repr=False)
    kind: Kind = Kind.PROSE


class Rules(_Data):
    """All data of the rails; `flows` is Colang 1.0, `settings` the YAML that says which of them run."""

    exfil: ExfilRules
    terminal: TerminalRules
    examples: tuple[Example, ...] = Field(min_length=1)
    flows: str
    rails: Settings
    settings: str  # the same as NeMo reads it


def load(folder: Path) -> Rules:
    """Return the rules of a folder; raise Errors naming every file and key that is wrong."""
    raw: dict[str, object] = {
        name: _yaml(folder / f"{name}.yaml") for name in ("exfil", "terminal", "examples", "rails")
    }
    raw["flows"] = "\n".join(_text(path) for path in sorted(folder.glob("*.co")))
    raw["settings"] = _text(folder / "rails.yaml")
    try:
        return Rules.model_validate(raw)
    except ValidationError as error:
        raise Errors(
            tuple(
                Error(f"{folder / str(item['loc'][0])}.yaml: {'.'.join(map(str, item['loc'][1:]))}: {item['msg']}")
                for item in error.errors(include_input=False, include_url=False)
            )
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Error(f"{path}: cannot be read", hint="install lockgate again, or correct `detectors.rules`") from error


def _yaml(path: Path) -> object:
    try:
        return yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise Error(f"{path}: is not YAML{where}", hint="mind indentation and colons") from None
