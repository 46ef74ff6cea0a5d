"""From text to tokens with exact places, whatever the length: nothing cut, nothing padded, deadlines kept."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from detectors import deadline
from detectors.errors import Error
from detectors.ner.labels import shape_of

type Ints = NDArray[np.int64]

CLS, SEP = 101, 102
_BLOCK = 16_384  # characters tokenized at a time
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of all texts of a batch, one after the other; `texts[i]` and `texts[i + 1]` bound text i's tokens."""

    ids: Ints
    shapes: Ints
    begins: Ints  # per token, code points of its own text
    ends: Ints
    words: Ints  # per word, its first token
    texts: Ints  # len(texts) + 1 places


class Encoder:
    """A tokenizer file, refused where it still cuts or pads after being told not to."""

    def __init__(self, path: Path) -> None:
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if tokenizer.truncation is not None or tokenizer.padding is not None:
            raise Error(f"the tokenizer {path.name} cuts or pads text", hint="most of a long text would go unscanned")
        if (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")) != (CLS, SEP):
            raise Error(f"the tokenizer {path.name} is not of the model's family", hint="reinstall Lockgate")
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the tokens of all texts; raise `DeadlineExceededError` where time runs out on the way."""
        ids: list[int] = []
        shapes: list[int] = []
        offsets: list[tuple[int, int]] = []
        words: list[int] = []
        bounds = [0]
        for text in texts:
            for start, end in _blocks(text):
                deadline.check()
                self._block(text, start, end, ids, shapes, offsets, words)
            bounds.append(len(ids))
        places = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        return Encoded(_ints(ids), _ints(shapes), places[:, 0], places[:, 1], _ints(words), _ints(bounds))

    def _block(
        self,
        text: str,
        start: int,
        end: int,
        ids: list[int],
        shapes: list[int],
        offsets: list[tuple[int, int]],
        words: list[int],
    ) -> None:
        block = text[start:end]
        encoding = self._tokenizer.encode(block, add_special_tokens=False)
        first = len(ids)
        ids.extend(encoding.ids)
        places = encoding.offsets
        offsets.extend((begin + start, stop + start) for begin, stop in places)
        previous: int | None = None
        begun = 0
        for token, word in enumerate([*encoding.word_ids, None]):
            if token and word == previous:
                continue
            if token:
                shape = shape_of(block[places[begun][0] : places[token - 1][1]])
                shapes.extend([shape] * (token - begun))
            if token < len(places):
                words.append(first + token)
                begun, previous = token, word


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the bounds of blocks cut at white space, where no word is torn (one longer than a block is no word)."""
    start = 0
    while len(text) - start > _BLOCK:
        end = start + _BLOCK
        space = _SPACE.search(text[end - 1 : start : -1])
        cut = end - space.start() if space else end
        yield start, cut
        start = cut
    if start < len(text):
        yield start, len(text)


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
