"""Fillers without a network, which a model must beat.

The n-gram and the most frequent next line know the training text, and of the place to fill only
what stands before it; retrieval knows the rest of the project, and the lines before and after.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from infill.bench.gaps import Gap
from infill.bench.methods import MOST_TOKENS
from infill.bench.ngram import NGram
from infill.bench.outcome import Outcome
from infill.bench.sources import heldout
from infill.errors import InputError
from infill.models.denoiser import Denoiser
from infill.train.corpus import read_files
from infill.train.stream import Stream
from infill.train.tokenizer import Codec, Kind

STEP = "    "
_WORD = re.compile(r"[^\W\d]\w*")
EXACT, ALIKE = 4, 1
"""Votes of a place whose neighbour is the same line, or one that differs in names alone."""


@dataclass(frozen=True)
class Training:
    """What a folder of `infill.train` holds of the training text; read when first asked for."""

    folder: Path

    @classmethod
    def of(cls, folder: Path) -> Training:
        """Raises InputError for a folder without a tokenised corpus."""
        for name in ("train.npz", "train.jsonl", "tokenizer.json"):
            if not (folder / name).is_file():
                raise InputError(
                    "no tokenised corpus",
                    where=str(folder / name),
                    hint="run `python -m infill.train corpus` and `tokenizer`, or give no --corpus",
                )
        return cls(folder)

    @property
    def digest(self) -> str:
        """The sha256 of the training text."""
        return hashlib.sha256((self.folder / "train.jsonl").read_bytes()).hexdigest()

    @cached_property
    def codec(self) -> Codec:
        """The tokenizer of the corpus."""
        return Codec((self.folder / "tokenizer.json").read_text(encoding="utf-8"))

    @cached_property
    def within_lines(self) -> NGram:
        """A 5-gram that ends no line."""
        return self._ngram(Kind.SPECIAL, Kind.NEWLINE)

    @cached_property
    def across_lines(self) -> NGram:
        """A 5-gram that may end a line."""
        return self._ngram(Kind.SPECIAL)

    @cached_property
    def next_line(self) -> dict[str, str]:
        """See `next_lines`."""
        return next_lines(file.text for file in read_files(self.folder / "train.jsonl"))

    def _ngram(self, *barred: Kind) -> NGram:
        stream = Stream.load(self.folder / "train.npz")
        return NGram.learn(stream.ids, np.isin(self.codec.kinds, barred))


@dataclass(frozen=True, slots=True)
class Continued:
    """The 5-gram's likeliest tokens: to the end of the line, or as many as the answer has.

    most   tokens where nobody says how many
    """

    training: Training
    _: KW_ONLY
    oracle: bool
    most: int = MOST_TOKENS

    def __call__(self, denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
        """The filled text."""
        del denoiser, seed
        codec, indent = self.training.codec, indentation(gap)
        row = codec.encode(gap.text[: gap.at] + indent)
        start = len(row)
        if self.oracle:
            several = "\n" in gap.answer
            ngram = self.training.across_lines if several else self.training.within_lines
            for _ in codec.encode(gap.answer.removeprefix(indent)):
                row.append(ngram.next(row))
        else:
            ngram = self.training.across_lines
            while len(row) - start < self.most:
                token = ngram.next(row)
                if codec.kinds[token] == Kind.NEWLINE:
                    break
                row.append(token)
        return _filled(gap, indent + codec.decode(row[start:]))


@dataclass(frozen=True, slots=True)
class NextLine:
    """The line that most often follows the line above, in the training text."""

    training: Training

    def __call__(self, denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
        """The filled text."""
        del denoiser, seed
        above, _ = neighbours(gap)
        lookup = self.training.next_line
        return _filled(gap, indentation(gap) + lookup.get(above, lookup[""]))


def retrieved(denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
    """The line that most often stands between the same or like neighbours, in the same project.

    Places where only names differ in a neighbour count less; without any, nothing is filled in.
    """
    del denoiser, seed
    if gap.module is None:
        return Outcome(text=gap.text, fills=("",), failed="no project")
    places = _index(gap.module.project)
    above, below = neighbours(gap)
    own = range(*gap.lines)
    votes: Counter[str] = Counter()
    for weight, key in (
        (EXACT, (-1, above)),
        (EXACT, (1, below)),
        (ALIKE, (-1, shape(above))),
        (ALIKE, (1, shape(below))),
    ):
        for path, number, line in places.get(key, ()):
            if path != gap.module.path or number not in own:
                votes[line] += weight
    if not votes:
        return Outcome(text=gap.text, fills=("",), failed="nothing alike")
    return _filled(gap, indentation(gap) + votes.most_common(1)[0][0])


def next_lines(texts: Iterable[str]) -> dict[str, str]:
    """Stripped line → the stripped, non-blank line that most often follows it in `texts`.

    The key "" has the most frequent line of all.

    >>> next_lines(["if a:\\n    pass\\nif b:\\n    pass\\n"])
    {'if a:': 'pass', 'pass': 'if b:', 'if b:': 'pass', '': 'pass'}
    """
    pairs: Counter[tuple[str, str]] = Counter()
    overall: Counter[str] = Counter()
    for text in texts:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        overall.update(lines)
        pairs.update(pairwise(lines))
    best: dict[str, tuple[int, str]] = {}
    for (above, below), count in pairs.items():
        if count > best.get(above, (0, ""))[0]:
            best[above] = count, below
    found = {above: below for above, (_, below) in best.items()}
    return found | {"": overall.most_common(1)[0][0]}


def neighbours(gap: Gap) -> tuple[str, str]:
    """The stripped lines that are not blank above and below a gap; "" where there is none."""
    above = [line.strip() for line in gap.text[: gap.at].split("\n")[:-1] if line.strip()]
    below = [line.strip() for line in gap.text[gap.at :].split("\n")[1:] if line.strip()]
    return (above or [""])[-1], (below or [""])[0]


def indentation(gap: Gap) -> str:
    """What a line that fills the gap begins with: as the line above, one step in after a colon.

    "" where the gap has its indentation.
    """
    lines = gap.text[: gap.at].split("\n")
    if lines[-1]:
        return ""
    above = next((line for line in reversed(lines) if line.strip()), "")
    indent = above[: len(above) - len(above.lstrip())]
    return indent + STEP if above.rstrip().endswith(":") else indent


def shape(line: str) -> str:
    """A line with its names made one, so that lines that differ in names alone are the same.

    >>> shape("if self.a is not other:")
    'if _._ is not _:'
    """
    return _WORD.sub(lambda word: word[0] if keyword.iskeyword(word[0]) else "_", line)


@lru_cache(maxsize=16)
def _index(project: str) -> Mapping[tuple[int, str], list[tuple[str, int, str]]]:
    """(-1 or 1, the neighbour above or below, or its shape) → path, line number and line."""
    found: dict[tuple[int, str], list[tuple[str, int, str]]] = {}
    for module in heldout([project]):
        lines = [
            (number, line.strip())
            for number, line in enumerate(module.text.split("\n"))
            if line.strip()
        ]
        for (_, above), (number, line), (_, below) in zip(
            [(-1, ""), *lines], lines, [*lines[1:], (-1, "")], strict=False
        ):
            for side, beside in ((-1, above), (1, below)):
                for key in {beside, shape(beside)}:
                    found.setdefault((side, key), []).append((module.path, number, line))
    return found


def _filled(gap: Gap, fill: str) -> Outcome:
    return Outcome(text=gap.filled(fill), fills=(fill,))
