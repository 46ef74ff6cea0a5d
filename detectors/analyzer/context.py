"""Words that stand near a value and say what it is, looked for in a window of characters, whole words only."""

import re
from typing import Final

BEFORE: Final = 64
AFTER: Final = 32
BREAK: Final = "\x00"  # separates joined segments: nothing is near across it
_LETTER = r"[^\W\d_]"
_SHORT = 4


class Context:
    """A set of words; a short one counts only whole, a longer one also as the beginning of a word."""

    def __init__(self, *words: str) -> None:
        short = "|".join(sorted(re.escape(word) for word in words if len(word) <= _SHORT))
        long = "|".join(sorted(re.escape(word) for word in words if len(word) > _SHORT))
        choices = [rf"(?:{short})(?!{_LETTER})"] * bool(short) + [f"(?:{long})"] * bool(long)
        self._pattern = re.compile(rf"(?i)(?<!{_LETTER})(?:{'|'.join(choices)})")

    def near(self, text: str, start: int, end: int) -> bool:
        """Tell whether a word stands shortly before or after the characters [start, end)."""
        if self.before(text, start):
            return True
        after = text[end : end + AFTER].partition(BREAK)[0]
        return self._pattern.search(after) is not None

    def before(self, text: str, start: int, reach: int = BEFORE) -> bool:
        """Tell whether a word stands in the `reach` characters before a place."""
        return self._pattern.search(text[max(0, start - reach) : start].rpartition(BREAK)[2]) is not None
