"""First guesses for holes that must open blocks, because the text behind them stands deeper.

A search from an empty hole comes upon such blocks last: they cost tokens, and what they are good
for shows only behind the hole. So the blocks are written into the hole, and the search begins
there too. A guess goes by columns and knows nothing of the grammar's rules; whatever is wrong
with it is changed, as in any other filling.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Slot
from infill.constrain.blocks import Blocks
from infill.vocab import Vocab

OPEN = b"\0"
"""Stands for a hole's text where nothing is known of it."""


@dataclass(frozen=True)
class Guess:
    """One way to guess.

    begun    the line that the hole stands in opens the first of the blocks itself
    afresh   blocks are opened from the shallowest line behind the hole on, not from the last
             line before it
    late     a hole leaves to the next one what no full line between the two asks for
    """

    begun: bool
    afresh: bool
    late: bool


GUESSES = tuple(Guess(*flags) for flags in itertools.product((False, True), repeat=3))


def scaffolds(
    vocab: Vocab, canvas: Canvas, blocks: Blocks, *, before: bytes, after: bytes
) -> Iterator[NDArray[np.int64]]:
    """int64 [T] The canvas's ids with blocks in its open slots and blanks elsewhere, per guess.

    before, after   the text around the canvas
    """
    ids = canvas.ids.copy()
    ids[canvas.holes] = vocab.blank
    edges = np.flatnonzero(np.diff(np.r_[False, canvas.slots == Slot.HOLE, False])).tolist()
    spans = [(0, 0), *zip(edges[::2], edges[1::2], strict=True), (len(ids), len(ids))]
    texts = [vocab.decode(ids[a:b].tolist()) for (_, a), (b, _) in itertools.pairwise(spans)]
    texts[0], texts[-1] = before + texts[0], texts[-1] + after
    seen = {ids.tobytes()}
    for guess in GUESSES:
        made = _guessed(guess, blocks, vocab, ids, spans[1:-1], texts)
        if made.tobytes() not in seen:
            seen.add(made.tobytes())
            yield made


def _guessed(  # noqa: PLR0913, PLR0917 - a canvas, taken apart
    guess: Guess,
    blocks: Blocks,
    vocab: Vocab,
    blank: NDArray[np.int64],
    holes: Sequence[tuple[int, int]],
    texts: Sequence[bytes],
) -> NDArray[np.int64]:
    """The ids with blocks in the holes, which lie between the texts."""
    ids, left = blank.copy(), texts[0]
    for number, (start, stop) in enumerate(holes, 1):
        right, written, goes_on = texts[number], b"", False
        if not guess.late or _columns(right + OPEN, blocks, guess):
            written, goes_on = _written(guess, blocks, left, OPEN.join(texts[number:]))
        tokens = vocab.encode(written)
        free = stop - start - len(tokens)
        if free < 0:
            written, tokens = b"", ()
        first = start + (free // 2 if goes_on else free)  # blanks where the lines need tokens
        ids[first : first + len(tokens)] = tokens
        left += (written or OPEN) + right
    return ids


def _written(guess: Guess, blocks: Blocks, left: bytes, right: bytes) -> tuple[bytes, bool]:
    """What opens the blocks that the right side stands in; whether a line goes on behind it."""
    wanted, levels = list[int](), [0]
    for column in _columns(right, blocks, guess):
        if not wanted or column < wanted[-1]:
            wanted.append(column)
    for column in _columns(b"\n" + left, blocks, guess):
        levels = [*(level for level in levels if level < column), column]
    first = min([levels[-1], *wanted]) if guess.afresh else levels[-1]
    path = [first]
    for column in reversed(wanted):
        path += range(path[-1] + blocks.unit, column + blocks.unit, blocks.unit)
    if len(path) == 1 or path[-1] != wanted[0]:
        return b"", False
    rest = right.partition(b"\n")[0].strip()
    if rest and not rest.endswith(b":"):  # the line that goes on is the first of the last block
        path.append(path[-1])
    lines = [b"\n" + b" " * column for column in path[guess.begun : -1]]
    return blocks.opener.join([*lines, *([] if rest else [b""])]), bool(rest)


def _columns(text: bytes, blocks: Blocks, guess: Guess) -> list[int]:
    """The columns of the lines behind the first; a word such as `else` has a deeper one before."""
    found = list[int]()
    for line in text.split(b"\n")[1:]:
        bare = line.lstrip(b" ")
        column = len(line) - len(bare)
        if bare.startswith(OPEN) and not (guess.late and column):
            continue  # what the hole begins with is not known
        if bare.startswith(blocks.continuations):
            found.append(column + blocks.unit)
        if bare.strip() and not bare.startswith(b"#"):
            found.append(column)
    return found
