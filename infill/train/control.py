"""The autoregressive control: the same network, causal, which fills in the middle.

A text and its hole stand as prefix, suffix, middle, each after a sentinel (PSM of Bavarian et al.,
arXiv:2207.14255), and the middle is written left to right until `<eos>`. The network, its size, the
optimiser, the windows and the spans are those of the denoiser; attention and mixing are causal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from infill.errors import WeightsError
from infill.models.tiny import WEIGHTS, TinyTransformer, load_model
from infill.train.corrupt import Batch, Mixture, pick_span
from infill.train.stream import Windows
from infill.train.tokenizer import Codec, Kind, Special, is_special

RATE = 0.9
"""Of rows that are rearranged, the others being plain text; the most that Bavarian et al. found to
cost nothing."""
SENTINELS = 4  # tokens that a rearranged row has besides the prologue


def rearranged(windows: Windows, codec: Codec, mixture: Mixture, rng: np.random.Generator) -> Batch:
    """Rows as the control reads them, and at each slot the token that comes next.

    The span that becomes the middle is drawn as the denoiser's are. What the prologue and the
    sentinels say is not asked; where the middle ends is. A row's last tokens are cut off for the
    sentinels.
    """
    B, T = windows.ids.shape
    ids = windows.ids.copy()
    for b in np.flatnonzero(rng.random(B) < RATE):
        text = windows.ids[b, : T - SENTINELS]
        inside = windows.nodes[b][windows.nodes[b][:, 1] <= len(text)]
        start, stop = pick_span(text, inside, codec, mixture, rng)
        row = arranged(text[2:start].tolist(), text[stop:].tolist())
        ids[b] = [*row, *text[start:stop], Special.EOS]
    targets = np.roll(ids, -1, axis=1)
    asked = ~is_special(targets) | (targets == Special.EOS)
    asked[:, -1] = False
    return Batch(ids, targets, asked.astype(np.float32))


def arranged(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """The ids that stand before the middle."""
    opening = (Special.BOS, Special.PYTHON, Special.PREFIX)
    return [*opening, *before, Special.SUFFIX, *after, Special.MIDDLE]


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """A trained control, which fills holes in Python text.

    digest   sha256 of its weights
    """

    model: TinyTransformer
    codec: Codec
    digest: str

    @classmethod
    def from_folder(cls, folder: Path) -> Control:
        """Load what the trainer exported. Raises WeightsError for what is not a control."""
        model, config, tokenizer = load_model(folder)
        if not model.config.causal:
            raise WeightsError(
                "this model is no autoregressive control",
                where=str(folder),
                expected="a causal model",
                got=config["name"],
                hint="python -m infill.train run --control trains one",
            )
        return cls(model, Codec(tokenizer), config["sha256"][WEIGHTS])

    def fill(
        self, before: str, after: str, *, most: int, exact: bool = False, lines: bool = False
    ) -> tuple[str, int]:
        """The likeliest text between two, token by token, and the forwards that it took.

        most    tokens, or fewer where it ends before: at `<eos>`, and at the end of a line
        exact   whether `most` tokens are written, whatever comes
        lines   whether it goes on at the end of a line

        Where the hole begins a line, the newline before it is written anew with the indentation:
        the two are one token.
        """
        fresh = before.endswith("\n")
        left = self.codec.encode(before.removesuffix("\n") if fresh else before)
        opening = self._cropped(left, self.codec.encode(after), most + fresh)
        row = list(opening)
        for step in range(most + fresh):
            allowed = self._allowed(first=fresh and not step, exact=exact, lines=lines)
            token = self._next(row, allowed)
            kind = self.codec.kinds[token]
            if token == Special.EOS or (kind == Kind.NEWLINE and not lines and (step or not fresh)):
                return self._text(row, opening, fresh=fresh), step + 1
            row.append(token)
        return self._text(row, opening, fresh=fresh), most + fresh

    def _text(self, row: Sequence[int], opening: Sequence[int], *, fresh: bool) -> str:
        text = self.codec.decode(row[len(opening) :])
        return text.removeprefix("\n") if fresh else text

    def _allowed(self, *, first: bool, exact: bool, lines: bool) -> NDArray[np.bool_]:
        """Bool [V]: one newline and its indentation at first where a line is begun."""
        kinds = self.codec.kinds
        newline = kinds == Kind.NEWLINE
        if first:
            twice = np.array([token.startswith(b"\n\n") for token in self.codec.token_bytes])
            return newline & ~twice
        allowed = kinds != Kind.SPECIAL
        if exact:
            return allowed if lines else allowed & ~newline
        allowed[Special.EOS] = True
        return allowed

    def _next(self, row: Sequence[int], allowed: NDArray[np.bool_]) -> int:
        with torch.no_grad():
            last = self.model.hidden(torch.tensor([row]))[0, -1:]
            logits = self.model.head(last)[0]
        return int(logits.masked_fill(~torch.from_numpy(allowed), -torch.inf).argmax())

    def _cropped(self, left: list[int], right: list[int], most: int) -> list[int]:
        """As much text as the context holds, the right at most a third; from a line's start."""
        room = self.model.config.context - 2 - SENTINELS - most
        right = right[: room // 3]
        if (low := len(left) - (room - len(right))) > 0:
            kept = left[low:]
            breaks = np.flatnonzero(self.codec.kinds[kept] == Kind.NEWLINE)
            left = kept[int(breaks[0]) + 1 :] if len(breaks) else kept
        return arranged(left, right)
