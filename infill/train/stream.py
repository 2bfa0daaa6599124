"""The corpus as one array of ids, and the windows that training draws from it.

Each file stands as `<bos> <lang:py> tokens <eos>`. A window opens the way the model is used: with
`<bos> <lang:py>`, then text from the start of some line. Syntax nodes are found once, here, and
kept as spans of tokens. Nothing here knows noise.
"""

from __future__ import annotations

import ast
import io
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infill.errors import InputError
from infill.train.corpus import File
from infill.train.tokenizer import Codec, Kind, Special

Ids = NDArray[np.uint16]
SPARE = 16
"""Tokens that are drawn after a window."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A corpus, tokenised.

    ids     uint16 [S]; all files, one after another
    lines   int64 [·]; where windows may start: the first token after each newline, ascending
    nodes   int32 [·, 2]; half-open token spans of syntax nodes, by start
    """

    ids: Ids
    lines: NDArray[np.int64]
    nodes: NDArray[np.int32]

    @property
    def longest(self) -> int:
        """Tokens of the longest window that can be drawn."""
        return max(0, len(self.ids) - SPARE)

    def save(self, path: Path) -> None:
        """Write an .npz, replacing what is there."""
        np.savez(path, ids=self.ids, lines=self.lines, nodes=self.nodes)

    @classmethod
    def load(cls, path: Path) -> Stream:
        """Read what `save` wrote. Raises InputError for what is missing or damaged."""
        if not path.is_file():
            raise InputError(
                "no tokenised corpus",
                where=path.name,
                hint="run `python -m infill.train tokenizer`",
            )
        try:
            with np.load(io.BytesIO(path.read_bytes())) as parts:
                return cls(parts["ids"], parts["lines"], parts["nodes"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                "the tokenised corpus is damaged", where=str(path), got=str(error),
                hint="delete it and tokenise again",
            ) from error  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Rows to be corrupted: ids int64 [B, T], and the syntax nodes inside each row.

    after   int64 [B, SPARE]; what follows each row, to fill it up where it becomes shorter
    """

    ids: NDArray[np.int64]
    nodes: tuple[NDArray[np.int32], ...]
    after: NDArray[np.int64]


def tokenise(files: Iterable[File], codec: Codec) -> Stream:
    """Encode files in their order; a file's nodes are those of at most 64 tokens."""
    files = list(files)
    parts: list[Ids] = []
    nodes: list[NDArray[np.int32]] = []
    at = 0
    for file, ids in zip(files, codec.encode_many([f.text for f in files]), strict=True):
        row = np.array([Special.BOS, Special.PYTHON, *ids, Special.EOS], dtype=np.uint16)
        parts.append(row)
        nodes.append(node_spans(file.text, codec.sizes[row[2:-1]]) + np.int32(at + 2))
        at += len(row)
    stream = np.concatenate(parts)
    newline = (codec.kinds == Kind.NEWLINE)[stream[:-1]] | (stream[:-1] == Special.PYTHON)
    return Stream(stream, np.flatnonzero(newline).astype(np.int64) + 1, np.concatenate(nodes))


def node_spans(text: str, sizes: NDArray[np.int32], *, most: int = 64) -> NDArray[np.int32]:
    """Token spans [·, 2] of the syntax nodes that begin and end with a token, by start.

    `sizes` int32 [n] is the number of bytes of each token of `text`. Nodes of one token or more
    than `most` are left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = [
        (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr | ast.keyword)
        and node.end_lineno is not None
        and node.end_col_offset is not None
    ]
    return _token_spans(np.array(spans, dtype=np.int64).reshape(-1, 2), sizes, most)


def _token_spans(
    spans: NDArray[np.int64], sizes: NDArray[np.int32], most: int
) -> NDArray[np.int32]:
    """Byte spans as token spans; a token may begin with the space before the node."""
    ends = np.cumsum(sizes)
    first = np.searchsorted(ends, spans[:, 0], side="right")
    stop = np.searchsorted(ends, spans[:, 1], side="left") + 1
    exact = (stop <= len(ends)) & (ends[np.minimum(stop, len(ends)) - 1] == spans[:, 1])
    long = stop - first
    both = np.stack([first, stop], axis=1)[exact & (long > 1) & (long <= most)]
    return np.unique(both, axis=0).astype(np.int32)


def draw(stream: Stream, rng: np.random.Generator, *, B: int, T: int) -> Windows:
    """`B` windows of `T` tokens from random line starts."""
    long = T - 2 + SPARE
    reach = np.searchsorted(stream.lines, len(stream.ids) - long, side="right")
    if reach == 0:
        raise InputError(
            "the corpus is shorter than one window", expected=f"{long} tokens or more",
            got=str(len(stream.ids)), hint="give more code, or a model of a shorter context",
        )  # fmt: skip
    starts = stream.lines[rng.integers(0, reach, size=B)]
    text = stream.ids[starts[:, None] + np.arange(long)].astype(np.int64)
    opening = np.broadcast_to(np.array([Special.BOS, Special.PYTHON]), (B, 2))
    ids = np.concatenate([opening, text[:, : T - 2]], axis=1)
    low = np.searchsorted(stream.nodes[:, 0], starts)
    high = np.searchsorted(stream.nodes[:, 0], starts + T - 2)
    nodes = []
    for start, a, b in zip(starts, low, high, strict=True):
        inside = stream.nodes[a:b] - np.int32(start) + np.int32(2)
        nodes.append(inside[inside[:, 1] <= T])
    return Windows(ids, tuple(nodes), text[:, T - 2 :])
