"""Words that stand near a value and say what it is: whole words, looked for once in a text and only where they occur."""

import re
from collections.abc import Iterator
from typing import Final

BEFORE: Final = 64
AFTER: Final = 32
BREAK: Final = "\x00"  # separates joined segments: nothing is near across it
_LETTER = r"[^\W\d_]"
_SHORT = 4
_UNSPACED: Final = "\u0590"  # from here on scripts join words or put particles before them


class Context:
    """A set of words; a short one counts only whole, a longer one also as the beginning of a word."""

    def __init__(self, *words: str) -> None:
        self.words = tuple(sorted({word.lower() for word in words}))
        apart = [word for word in self.words if word < _UNSPACED]
        short = "|".join(re.escape(word) for word in apart if len(word) <= _SHORT)
        long = "|".join(re.escape(word) for word in apart if len(word) > _SHORT)
        choices = [rf"(?:{short})(?!{_LETTER})"] * bool(short) + [f"(?:{long})"] * bool(long)
        joined = [re.escape(word) for word in self.words if word >= _UNSPACED]
        self._pattern = re.compile("|".join([rf"(?i)(?<!{_LETTER})(?:{'|'.join(choices)})", *joined]))

    def places(self, text: str, lower: str) -> tuple[int, ...]:
        """Return where a word begins, in order; `lower` is the text in lower case, which rules most words out at once."""
        found = [word for word in self.words if word in lower]
        if not found:
            return ()
        if len(lower) != len(text):  # some letter has another length in lower case: places in one are not the other's
            return tuple(match.start() for match in self._pattern.finditer(text))
        return tuple(sorted({place for word in found for place in _whole(word, lower)}))


def _whole(word: str, lower: str) -> Iterator[int]:
    """Yield where a word stands whole, or begins one if it is long."""
    place = lower.find(word)
    while place >= 0:
        end = place + len(word)
        apart = not lower[place - 1 : place].isalpha() and (len(word) > _SHORT or not lower[end : end + 1].isalpha())
        if apart or word >= _UNSPACED:
            yield place
        place = lower.find(word, end)
