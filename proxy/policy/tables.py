"""YAML tables read as JSON values: plain scalars mean the same to every reader, keys stand once, nothing is shared."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from detectors.errors import Error
from proxy.policy.interface import Json

_AMBIGUOUS = re.compile(
    r"(?i)yes|no|on|off|y|n|[-+]?0[0-7_]+|[-+]?0[xob].*|[-+]?[0-9_]+(:[0-9_.]+)+|\d{4}-\d\d?-\d\d?.*"
)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Json] = {"null": None, "true": True, "false": False}
_DEPTH = 20


def table(path: Path) -> dict[str, Json]:
    """Return the mapping that a table's file holds; raise Error naming file and line for anything unclear in it."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise Error(f"{path}: is not YAML{where}", hint="mind indentation and colons") from None
    if node is None or not isinstance(node, yaml.MappingNode):
        raise Error(f"{path}: a table is a mapping", hint="write {} for an empty table")
    value = _Reading(path).value(node, 0)
    assert isinstance(value, dict)
    return value


class _Reading:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, depth: int) -> Json:
        if id(node) in self._seen:
            raise self._refusal(node, "an alias repeats a part", "write it out")
        self._seen.add(id(node))
        if depth > _DEPTH:
            raise self._refusal(node, "is nested too deeply", "")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            self._plain_tag(node, "tag:yaml.org,2002:seq")
            return [self.value(item, depth + 1) for item in node.value]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Json]:
        self._plain_tag(node, "tag:yaml.org,2002:map")
        values: dict[str, Json] = {}
        for key_node, item in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str) or key_node.tag == "tag:yaml.org,2002:merge":
                raise self._refusal(key_node, "a key is not plain text", "put the key in quotes")
            if key in values:
                raise self._refusal(key_node, f"the key {key} stands twice", "keep one of them")
            values[key] = self.value(item, depth + 1)
        return values

    def _scalar(self, node: yaml.ScalarNode) -> Json:
        text: str = node.value
        if node.style is not None:
            self._plain_tag(node, "tag:yaml.org,2002:str")
            return text
        if text in _WORDS:
            return _WORDS[text]
        read: Callable[[str], Json] | None = (
            int if _INTEGER.fullmatch(text) else float if _NUMBER.fullmatch(text) else None
        )
        if read is not None and len(text) <= 30:
            number = read(text)
            if isinstance(number, int) or (isinstance(number, float) and math.isfinite(number)):
                return number
        if _AMBIGUOUS.fullmatch(text) or (node.tag != "tag:yaml.org,2002:str"):
            raise self._refusal(node, "a value means different things to different readers of YAML", "put it in quotes")
        return text

    def _plain_tag(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            raise self._refusal(node, "a YAML tag is not read here", "write the value itself")

    def _refusal(self, node: yaml.Node, what: str, hint: str) -> Error:
        return Error(f"{self._path}: line {node.start_mark.line + 1}: {what}", hint=hint)
