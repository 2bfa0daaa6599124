"""A denoiser without a network: its logits come from a function. For tests and benchmarks.

>>> vocab = byte_vocab()
>>> model = Scripted(vocab, favour(vocab, b"ok"))
>>> canvas = Canvas([0, 0], [Slot.HOLE, Slot.HOLE])
>>> vocab.decode(model([canvas])[0].top(at, k=1).tokens[0] for at in (0, 1))
b'ok'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from infill.canvas import Canvas, Slot
from infill.decode.candidates import Scores
from infill.decode.scores import LogitScores
from infill.models.denoiser import Capabilities
from infill.vocab import Vocab

__all__ = ["Canvas", "Scripted", "Slot", "byte_vocab", "even", "favour", "noise", "recite"]

Script = Callable[[Canvas], torch.Tensor]
"""A canvas of T slots to logits [T, V]."""


@dataclass(frozen=True)
class Scripted:
    """Answers with what `script` says of each canvas, and nothing else."""

    vocab: Vocab
    script: Script
    name: str = "scripted"
    context: int = 512
    revises_visible: bool = False

    @property
    def capabilities(self) -> Capabilities:
        """A full-attention model that wants no prologue."""
        return Capabilities(
            name=self.name,
            digest="scripted",
            context=self.context,
            revises_visible=self.revises_visible,
        )

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Run the script on each canvas."""
        tables = [self.script(canvas) for canvas in canvases]

        def logits_at(rows: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            if not len(rows):
                return torch.empty(0, self.vocab.model_size)
            pairs = zip(rows.tolist(), at.tolist(), strict=True)
            return torch.stack([tables[row][position] for row, position in pairs])

        return LogitScores(self.vocab, canvases, logits_at)


def byte_vocab(*extra: bytes, lengths: bool = False) -> Vocab:
    """The 256 bytes, then `extra`, then mask, eos and blank; with `lengths` also expand and delete.

    Its delete is the eos, as in DreamOn.
    """
    pieces = [bytes([value]) for value in range(256)] + list(extra)
    mask, eos, blank, expand = range(len(pieces), len(pieces) + 4)
    if not lengths:
        return Vocab([*pieces, b"", b"", b""], mask=mask, eos=eos, blank=blank)
    pieces += [b""] * 4
    return Vocab(pieces, mask=mask, eos=eos, blank=blank, expand=expand, delete=eos)


def favour(vocab: Vocab, answer: bytes, *, sure: float = 8.0) -> Script:
    """A script that fills each hole of a canvas, from its first slot on, with `answer`."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        tokens = vocab.encode(answer)
        for start, stop in canvas.regions():
            for index, at in enumerate(range(start, stop)):
                token = tokens[index] if index < len(tokens) else vocab.blank
                logits[at, token] = sure - 0.01 * index
        return logits

    return script


def even(vocab: Vocab) -> Script:
    """A script to which every token is as likely as any other."""
    return lambda canvas: torch.zeros(len(canvas), vocab.model_size)


def recite(vocab: Vocab, *text: bytes, sure: float = 20.0) -> Script:
    """A script that knows one text, and gives each slot the token that stands there in it.

    A canvas is laid beside the text where most of its given tokens agree; of holes between tokens
    that do not, as where they are too many or too few, it knows nothing. A text in several
    stretches has no token across their ends, as a text with holes has none across theirs.
    """
    known = torch.tensor([token for part in text for token in vocab.encode(part)])

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        given = torch.from_numpy(np.where(canvas.slots == Slot.HOLE, -1, canvas.ids))
        at = torch.arange(len(canvas))
        padded = torch.nn.functional.pad(known, (len(canvas), len(canvas)), value=-2)
        placed = padded.unfold(0, len(canvas), 1)
        told = placed[(placed == given).sum(1).argmax()].clone()
        for start, stop in canvas.regions():
            near = (start - 2, start - 1, stop, stop + 1)
            beside = [at for at in near if 0 <= at < len(canvas) and given[at] >= 0]
            if (told[beside] != given[beside]).any():
                told[start:stop] = -2
        logits[at[told >= 0], told[told >= 0]] = sure
        return logits

    return script


def noise(vocab: Vocab, seed: int = 0) -> Script:
    """A script of random logits that depend on the whole canvas, and on nothing else."""

    def script(canvas: Canvas) -> torch.Tensor:
        mixed = (canvas.ids * 31 + canvas.slots).tolist()
        generator = torch.Generator().manual_seed(hash((seed, *mixed)) & 0x7FFF_FFFF)
        return 2 * torch.randn(len(canvas), vocab.model_size, generator=generator)

    return script
