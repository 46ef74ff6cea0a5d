"""Texts as the network takes them: token ids, case shapes, and which labels each token may have."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.ner.encoding import CLS, SEP, Encoder
from detectors.training.corpora import Example
from detectors.training.targets import ANYTHING, targets

# What a shape becomes in a text written small, in capitals or as a title, by the numbers of `detectors.ner.labels`.
SMALL: Final = np.array([0, 1, 1, 1, 1, 1, 6, 7, 8])
CAPITALS: Final = np.array([0, 3, 3, 3, 4, 3, 6, 7, 8])
TITLED: Final = np.array([0, 2, 2, 3, 4, 5, 6, 7, 8])


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens without the special ones, [tokens]: ids, shapes, and the row of `targets.table` that each may be."""

    ids: NDArray[np.int64]
    shapes: NDArray[np.int64]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


class Reader:
    """Makes tokens of examples with one tokenizer."""

    def __init__(self, tokenizer: Path) -> None:
        self._encoder = Encoder(tokenizer)

    def of(self, example: Example) -> Tokens:
        """Return an example's tokens."""
        encoded = self._encoder.encode([example.text])
        return Tokens(encoded.ids, encoded.shapes, targets(example, encoded.begins, encoded.ends))


def joined(parts: Sequence[Tokens]) -> Tokens:
    """Return several texts as one."""
    return Tokens(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.shapes for part in parts]),
        np.concatenate([part.targets for part in parts]),
    )


def windows(tokens: Tokens, longest: int) -> Iterator[Tokens]:
    """Yield a text in windows, as the runtime cuts a long one."""
    for start in range(0, len(tokens), longest):
        part = slice(start, start + longest)
        yield Tokens(tokens.ids[part], tokens.shapes[part], tokens.targets[part])


def batched(texts: Sequence[Tokens], most: int, chance: random.Random) -> list[list[Tokens]]:
    """Return batches of texts alike in length, each of at most so many padded tokens, in random order."""
    batches: list[list[Tokens]] = []
    batch: list[Tokens] = []
    width = 0
    for text in sorted(texts, key=lambda one: len(one) + chance.random() * 8):
        width = max(width, len(text) + 2)
        if batch and (len(batch) + 1) * width > most:
            batches.append(batch)
            batch, width = [], len(text) + 2
        batch.append(text)
    if batch:
        batches.append(batch)
    chance.shuffle(batches)
    return batches


def collated(batch: Sequence[Tokens], chance: random.Random | None) -> dict[str, NDArray[np.int64]]:
    """Return a batch as arrays [batch, tokens]; with `chance` some rows are as written small, in capitals, as titles."""
    width = max(map(len, batch)) + 2
    ids = np.zeros((len(batch), width), dtype=np.int64)
    shapes, mask = np.zeros_like(ids), np.zeros_like(ids)
    rows = np.full_like(ids, ANYTHING)
    for row, one in enumerate(batch):
        count = len(one)
        ids[row, 0], ids[row, count + 1] = CLS, SEP
        ids[row, 1 : count + 1] = one.ids
        mask[row, : count + 2] = 1
        rows[row, 1 : count + 1] = one.targets
        shapes[row, 1 : count + 1] = _recased(one.shapes, chance)
    return {"ids": ids, "mask": mask, "shapes": shapes, "targets": rows}


def _recased(shapes: NDArray[np.int64], chance: random.Random | None) -> NDArray[np.int64]:
    drawn = chance.random() if chance else 1.0
    if drawn < 0.15:
        return SMALL[shapes]
    if drawn < 0.19:
        return CAPITALS[shapes]
    return TITLED[shapes] if drawn < 0.22 else shapes
