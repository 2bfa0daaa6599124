"""What the files around a hole say of its tokens, mixed with what a model says.

A cache model (Kuhn and De Mori, 1990; for code: Hellendoorn and Devanbu, 2017) in both directions:
tokens are counted by what stood around them in the files of a workspace, near and a little
farther off, left and right. For each slot a gate weighs the contexts that were seen before by how
often they were and by how many different tokens stood in them, and the model by how sure it is;
the mixture of all is exact. The open text, which the holes are in, counts more.

Knows neither files nor projects: texts have names, and that is all. Nothing random, nothing read.

>>> from infill.models.scripted import Canvas, Scripted, Slot, byte_vocab, even
>>> vocab = byte_vocab()
>>> evidence = Evidence.of({"a.py": b"self.size", "b.py": b"self.name"}, vocab)
>>> model = Informed(Scripted(vocab, even(vocab)), evidence)
>>> canvas = Canvas([*b"self.na", 0, *b"e"], [Slot.GIVEN] * 7 + [Slot.HOLE] + [Slot.GIVEN])
>>> vocab.decode(model([canvas])[0].top(7, k=1).tokens)
b'm'
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from infill.canvas import Canvas, Positions, Slot
from infill.decode.candidates import Scores
from infill.decode.scores import NEVER, Logits, LogitsAt, LogitScores
from infill.errors import OptionError
from infill.models.denoiser import Capabilities, Denoiser, shadowing
from infill.models.ngrams import BREAK, Counts, Ids, Template, contexts, looked
from infill.vocab import Vocab

GATES: Mapping[Template, float] = {
    (-1,): -4.36,
    (1,): -4.39,
    (-2,): -5.21,
    (2,): -5.09,
    (-3,): -5.43,
    (3,): -5.36,
    (-4,): -5.94,
    (4,): -5.84,
    (-2, -1): -4.36,
    (1, 2): -4.49,
    (-3, -2): -5.60,
    (2, 3): -5.65,
    (-4, -3): -5.56,
    (3, 4): -5.65,
    (-5, -4): -6.06,
    (4, 5): -5.84,
    (-3, -2, -1): -4.14,
    (1, 2, 3): -4.57,
    (-1, 1): -2.88,
    (-2, 1): -3.37,
    (-1, 2): -3.31,
    (-2, 2): -3.92,
    (-2, -1, 1, 2): 0.02,
    (): -6.11,
}
"""Per context, the logarithm of the weight that it has where it was seen once.

The empty context comes last: it is the share of a token in the open text, and is asked of no
other. These and the constants below were fitted by `benchmarks/model/fit_workspace.py`, with the
embedded weights, on 17 projects that are on neither side of `infill/train/corpus.toml`.
"""
OFTEN, VARIED = 0.82, -1.19
"""Powers of how often a context was seen and of how many different tokens stood in it."""
UNSURE, PEAK = -0.90, -0.28
"""Of the model's weight: what its logarithm gains by a nat of entropy, and of its best token."""
OPEN = 8
"""What an occurrence in the open text counts; 4 and 16 are as good within 0.005 nats."""

TEMPLATES = tuple(GATES)
ELSEWHERE = TEMPLATES[:-1]
_GATES = np.array(list(GATES.values()))


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is counted: the tokens of its stretches, and a digest of what they say."""

    rows: tuple[Ids, ...]
    digest: bytes

    @classmethod
    def of(cls, stretches: Sequence[bytes], vocab: Vocab) -> Text:
        """Encode the stretches; what no slot is ever given interrupts them."""
        encoded = (np.array(vocab.encode(part), dtype=np.int64) for part in stretches)
        rows = tuple(np.where(vocab.writable[row], row, BREAK) for row in encoded)
        parts = (hashlib.sha256(part).digest() for part in stretches)
        return cls(rows, hashlib.sha256(b"".join(parts)).digest())


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """How much speaks for which tokens at H slots: entries [M], by slot and token.

    slots, tokens   int64, each pair once
    weights         float64, above 0
    totals          [H] the sum of a slot's weights; 0 where nothing is known. The model's own
                    weight is about 1 where it is not sure of anything
    """

    slots: NDArray[np.int64]
    tokens: NDArray[np.int64]
    weights: NDArray[np.float64]
    totals: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the texts of a workspace say of tokens. A value; `updated` and `opened` make others.

    texts    by name, as they are counted
    open     the name of the one that is being filled, if it is known
    counts   layers that add up to the counts of all texts but the open one: most, and what has
             changed since those were counted
    """

    vocab: Vocab
    texts: Mapping[str, Text]
    counts: tuple[Counts, ...]
    open: str | None = None

    @classmethod
    def of(cls, texts: Mapping[str, bytes], vocab: Vocab) -> Evidence:
        """Count all: about a second and 30 MB for a million bytes; half of the time is encoding.

        Raises EncodingError for bytes that no token of the vocabulary stands for.
        """
        found = {name: Text.of([text], vocab) for name, text in texts.items()}
        rows = [row for text in found.values() for row in text.rows]
        return cls(vocab, found, (_counted(rows, vocab),))

    def updated(self, name: str, text: bytes | None) -> Evidence:
        """The same with another text of this name, or without it; only this one is counted."""
        return self._with(name, None if text is None else Text.of([text], self.vocab))

    def opened(self, name: str, *stretches: bytes) -> Evidence:
        """The same where `name` is the text that is being filled: what stands around its holes.

        Its occurrences count more, and none is counted across a hole. One text is open at most;
        one that was is as any other again. What is to be revised must be in no stretch, or it is
        evidence for itself.
        """
        others = self._with(name, None)
        if others.open is not None:
            others = others._with(others.open, others.texts[others.open])  # noqa: SLF001 - our own
        text = Text.of(stretches, self.vocab)
        return replace(others, texts={**others.texts, name: text}, open=name)

    @cached_property
    def digest(self) -> str:
        """sha256 of the texts with their names, of the tokens, and of how all is weighed."""
        gates = (sorted(GATES.items()), OFTEN, VARIED, UNSURE, PEAK, OPEN)
        digest = hashlib.sha256(repr((self.vocab.digest, gates, self.open)).encode())
        for name, text in sorted(self.texts.items()):
            digest.update(hashlib.sha256(name.encode()).digest() + text.digest)
        return digest.hexdigest()

    def of_slots(self, canvas: Canvas, at: Positions) -> Support:
        """What is known of the slots `at`, from the tokens around each that are not open."""
        ids, known, places = self._row(canvas)
        bits = _bits(self.vocab)
        wanted = contexts(ids, known, places[at], bits=bits, templates=TEMPLATES)
        found = looked(self._layers, wanted.ravel())
        often = np.bincount(found.queries, found.counts, wanted.size)
        varied = np.bincount(found.queries, minlength=wanted.size)
        seen = np.flatnonzero(often)
        gates = np.zeros(wanted.size)
        weight = OFTEN * np.log(often[seen]) + VARIED * np.log(varied[seen])
        gates[seen] = np.exp(np.tile(_GATES, len(at))[seen] + weight)
        slots = found.queries // len(TEMPLATES)
        shares = gates[found.queries] * found.counts / often[found.queries]
        dense = np.bincount(slots << bits | found.tokens, shares, len(at) << bits).astype(float)
        entries = np.flatnonzero(dense)
        totals = gates.reshape(wanted.shape).sum(1)
        return Support(entries >> bits, entries & ((1 << bits) - 1), dense[entries], totals)

    @cached_property
    def _layers(self) -> tuple[Counts, ...]:
        if self.open is None:
            return self.counts
        own = _counted(self.texts[self.open].rows, self.vocab, TEMPLATES)
        return (*self.counts, own.times(OPEN))

    def _row(self, canvas: Canvas) -> tuple[Ids, NDArray[np.bool_], Positions]:
        """The canvas without blanks: its ids, which are known, and where each slot went."""
        shown = (canvas.slots != Slot.FILLED) | (canvas.ids != self.vocab.blank)
        known = (canvas.slots != Slot.HOLE) & self.vocab.writable[canvas.ids]
        return canvas.ids[shown], known[shown], np.cumsum(shown) - 1

    def _with(self, name: str, text: Text | None) -> Evidence:
        """The same with another text of this name, which is not the open one then."""
        texts = {other: known for other, known in self.texts.items() if other != name}
        signed = list[Counts]()
        if name in self.texts and name != self.open:
            signed.append(_counted(self.texts[name].rows, self.vocab).times(-1))
        if text is not None:
            texts[name] = text
            signed.append(_counted(text.rows, self.vocab))
        first, *since = self.counts
        if signed:
            since = [Counts.summed([*since, *signed])]
        if since and len(since[0].keys) > len(first.keys):
            first, since = Counts.summed([first, *since]), []
        return Evidence(
            self.vocab, texts, (first, *since), None if name == self.open else self.open
        )


def _bits(vocab: Vocab) -> int:
    """Bits that hold any token."""
    return max(1, (len(vocab) - 1).bit_length())


@lru_cache(maxsize=8)
def told(vocab: Vocab) -> NDArray[np.bool_]:
    """[V] The tokens that evidence speaks of: what is written, but blanks and ends of lines."""
    row = vocab.writable.copy()
    row[vocab.blank] = False
    row[[b"\n" in vocab.token_bytes(token) for token in range(len(vocab))]] = False
    return row


def _counted(
    rows: Sequence[Ids], vocab: Vocab, templates: Sequence[Template] = ELSEWHERE
) -> Counts:
    return Counts.of(rows, bits=_bits(vocab), templates=templates, told=told(vocab))


@dataclass(frozen=True)
class Informed:
    """`inner`, and what the evidence says, as one denoiser: p = (1 - λ)·p_model + λ·p_evidence.

    λ is a slot's own. It is 0, and the slot's scores those of the model to the bit, where nothing
    was seen before. Of blanks and ends of lines evidence says nothing, and they keep the model's
    probability: what spans a hole, a length decides and the model, not what is frequent elsewhere.

    trust   a factor on all that speaks for the evidence: 0 is the model alone, 1 makes masked
            tokens likeliest. Filling with the surest token first picks what is overrated, so 1
            spoils fills, and less is better there (`benchmarks/LOG.md`)
    """

    inner: Denoiser
    evidence: Evidence
    trust: float = 0.3

    def __post_init__(self) -> None:
        """Raise OptionError for evidence of other tokens, or trust that is no factor."""
        if self.evidence.vocab.digest != self.inner.vocab.digest:
            raise OptionError(
                "the evidence is of other tokens than the model's",
                expected="Evidence.of(texts, denoiser.vocab)",
                got=f"vocabularies of {len(self.evidence.vocab)} and {len(self.inner.vocab)}",
            )
        if not 0 <= self.trust < math.inf:
            raise OptionError(
                "trust is out of range", expected="a finite number, 0 or more", got=str(self.trust)
            )

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        return self.inner.vocab

    @cached_property
    def capabilities(self) -> Capabilities:
        """Those of `inner`; the digest covers the evidence too."""
        own = self.inner.capabilities
        parts = f"{own.digest} {self.evidence.digest} {self.trust}"
        return replace(own, digest=hashlib.sha256(parts.encode()).hexdigest())

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """One forward of `inner`, and the mixture."""
        return LogitScores(self.vocab, canvases, self._mixed(canvases, self.inner(canvases)))

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """As `Shadowing.shadowed`. A slot's own token is no evidence; but see `Evidence.opened`."""
        scores = shadowing(self.inner).shadowed(canvases, at)
        looks = list[Canvas]()
        for canvas, shaded in zip(canvases, at, strict=True):
            slots = canvas.slots.copy()
            slots[shaded] = Slot.HOLE
            looks.append(Canvas(canvas.ids, slots))
        return LogitScores(self.vocab, looks, self._mixed(canvases, scores))

    def _mixed(self, canvases: Sequence[Canvas], scores: Scores) -> LogitsAt:
        """The logits that say the mixture, of slots of these canvases."""

        def mixed(rows: torch.Tensor, at: torch.Tensor) -> Logits:
            found = torch.empty(len(rows), len(self.vocab))
            for row in np.unique(rows.numpy()).tolist():
                where = np.flatnonzero(rows.numpy() == row)
                slots = at.numpy()[where]
                found[where] = torch.from_numpy(scores.logits(row, slots))
                self._mix(found, where, self.evidence.of_slots(canvases[row], slots))
            return found

        return mixed

    def _mix(self, logits: Logits, where: NDArray[np.int64], support: Support) -> None:
        """Change the rows `where` of the logits, in place, by what speaks for their tokens.

        Their sum over writable tokens stays as it is, so that a wish for another length does.
        """
        weight = support.totals * self.trust
        some = np.flatnonzero(weight)
        if not len(some):
            return
        raw = logits[where[some]]
        apart = torch.from_numpy(~told(self.vocab))
        text = raw.masked_fill(apart, NEVER).logsumexp(-1)
        own = self._own(raw)
        both = np.logaddexp(own, np.log(weight[some]))
        mixed = torch.where(apart, raw, raw + torch.from_numpy(own - both).to(raw)[:, None])
        slots = np.searchsorted(some, support.slots)
        rows, tokens = torch.from_numpy(slots), torch.from_numpy(support.tokens)
        said = torch.from_numpy(np.log(support.weights * self.trust) - both[slots])
        mixed[rows, tokens] = torch.logaddexp(mixed[rows, tokens], said.to(raw) + text[rows])
        logits[where[some]] = mixed

    def _own(self, raw: Logits) -> NDArray[np.float64]:
        """[S] The logarithm of the model's own weight, by how sure it is."""
        never = torch.from_numpy(~self.vocab.writable)
        logps = raw.masked_fill(never, NEVER).log_softmax(-1)
        entropy = torch.special.entr(logps.exp()).sum(-1).double()
        return (UNSURE * entropy + PEAK * logps.amax(-1).double()).numpy()
