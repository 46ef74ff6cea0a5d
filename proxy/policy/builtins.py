"""Built-ins of Rego that OPA's Wasm modules ask of their host; one that is missing here stops the load."""

import re
from collections.abc import Callable, Mapping

from proxy.policy.interface import Json, PolicyError

_VERB = re.compile(r"%(.?)", re.DOTALL)


def sprintf(template: Json, values: Json) -> Json:
    """Format like Go for texts, whole numbers and booleans with %s, %d, %v and %%; raise PolicyError for the rest."""
    if not isinstance(template, str) or not isinstance(values, list):
        raise PolicyError("sprintf takes a text and a list")
    left = list(values)

    def replaced(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        if match[1] not in ("s", "d", "v") or not left:
            raise PolicyError("sprintf was given a verb that this engine does not format", hint="use %s, %d or %v")
        return _formatted(match[1], left.pop(0))

    text = _VERB.sub(replaced, template)
    if left:
        raise PolicyError("sprintf was given more values than verbs")
    return text


def _formatted(verb: str, value: Json) -> str:
    if isinstance(value, str) and verb != "d":
        return value
    if isinstance(value, bool) and verb == "v":
        return "true" if value else "false"
    if isinstance(value, int) and not isinstance(value, bool) and verb != "s":
        return str(value)
    raise PolicyError("sprintf was given a value that this engine does not format", hint="use json.marshal or concat")


BUILTINS: Mapping[str, Callable[..., Json]] = {"sprintf": sprintf}
