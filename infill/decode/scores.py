"""Scores from a model's logits: candidates, top-k lists, log-probabilities.

A model hands in a way to compute logits at (row, position) pairs. The model's head runs on
hole slots only, all rows in one batch, and on other slots when asked. Knows neither policies
nor grammars, and no model.

>>> import torch
>>> from infill.canvas import Canvas, Slot
>>> vocab = Vocab([b"", b"a", b"b"], mask=0)
>>> table = torch.log(torch.tensor([[0.5, 0.4, 0.1]]))
>>> canvas = Canvas([0], [Slot.HOLE])
>>> scores = LogitScores(vocab, [canvas], lambda rows, at: table[at])
>>> top = scores[0].top(0, k=2)
>>> top.tokens.tolist(), np.exp(top.logps).round(3).tolist()
([1, 2], [0.8, 0.2])
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray

from infill.canvas import Canvas, Positions, Slot
from infill.decode.candidates import (
    Bitmasks,
    Candidates,
    Row,
    Sampling,
    TopK,
    Uniforms,
    Wishes,
)
from infill.errors import OptionError
from infill.vocab import Bitmask, Vocab, pack, unpack

Logits = Annotated[torch.Tensor, "N V"]
Where = slice | NDArray[np.int64]
"""Which of the holes, those of all rows in one sequence."""
LogitsAt = Callable[[torch.Tensor, torch.Tensor], Logits]
"""Rows [N] and positions [N], both int64, to logits [N, V]; V is `vocab.model_size`.

The tensor must be new: its receiver writes into it.
"""

NEVER = float("-inf")
ALL = slice(None)
DENSE = 8  # forbidden tokens in more than 1/8 of a mask's words: unpacking it all is cheaper
FIRST_LOOK = 1_024  # a nucleus is nearly always smaller; the whole row is sorted where it is not


class LogitScores:
    """Scores from logits, whatever device they are on. Holes are computed at once, in one batch."""

    def __init__(self, vocab: Vocab, canvases: Sequence[Canvas], logits_at: LogitsAt) -> None:
        self._vocab, self._canvases, self._logits_at = vocab, canvases, logits_at
        self._writable = pack(vocab.writable)
        self._banned = torch.from_numpy(np.flatnonzero(~vocab.writable))
        counts = [len(canvas.holes) for canvas in canvases]
        self._offsets = np.concatenate(([0], np.cumsum(counts)))
        rows = np.repeat(np.arange(len(canvases)), counts)
        at = np.concatenate([canvas.holes for canvas in canvases]) if canvases else rows
        raw = self._raw(rows, at)
        self._lengths = self._lengths_of(raw)
        self._holes = self._writable_only(raw)

    def __getitem__(self, row: int) -> Row:
        return Row(self, row)

    def top(self, row: int, at: int, k: int, allowed: Bitmask | None = None) -> TopK:
        """See `Scores.top`."""
        logits, total = self._slot(row, at)
        k = min(k, len(self._vocab))
        if allowed is None:
            best = torch.topk(logits, k)
        else:
            with self._restricted(logits[None], allowed[None]) as (rows, totals):
                best, total = torch.topk(rows[0], k), totals[0]
        logps = best.values - total
        possible = logps > NEVER  # where nothing is allowed it is nan, which is not >
        return TopK(best.indices[possible].cpu().numpy(), _numpy(logps[possible]))

    def of(self, row: int, at: int) -> float:
        """See `Scores.of`."""
        return self.logp(row, at, int(self._canvases[row].ids[at]))

    def logp(self, row: int, at: int, token: int) -> float:
        """See `Scores.logp`."""
        logits, total = self._slot(row, at)
        return float(logits[token] - total)

    def candidates(
        self,
        row: int,
        holes: Positions,
        *,
        sampling: Sampling,
        uniforms: Uniforms,
        allowed: Bitmasks | None = None,
    ) -> Candidates:
        """See `Scores.candidates`."""
        where = self._where(row, holes)
        if allowed is None and not sampling.temperature:
            best, sure = self._likeliest
            tokens, logps = best[where], sure[where]
        else:
            with self._restricted(self._holes[where], allowed, where) as (rows, total):
                if sampling.temperature:
                    drawn = _draw(rows, sampling, torch.from_numpy(uniforms).to(rows.device))
                else:
                    drawn = _argmax(rows)
                tokens, logps = drawn.cpu().numpy(), _logps(rows, drawn, total)
        return Candidates(holes, tokens, logps, spread=lambda: self._spread(where, allowed))

    def logits(self, row: int, at: Positions) -> NDArray[np.float32]:
        """See `Scores.logits`."""
        canvas = self._canvases[row]
        if not (canvas.slots[at] == Slot.HOLE).all():
            raw = self._raw(np.full(len(at), row), at)
            lengths = self._lengths_of(raw)
            logits = self._writable_only(raw)
        else:
            where = self._offsets[row] + np.searchsorted(canvas.holes, at)
            logits = self._holes[where]  # a copy: the places are listed
            lengths = [None if known is None else known[where] for known in self._lengths]
        for token, known in zip((self._vocab.expand, self._vocab.delete), lengths, strict=True):
            if token is not None and known is not None:
                logits[:, token] = known
        return logits.cpu().numpy()

    @cached_property
    def _totals(self) -> torch.Tensor:
        """[N] The logsumexp of every hole."""
        return _total(self._holes)

    @cached_property
    def _likeliest(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """[N] The likeliest token of every hole of every row, and its log-probability."""
        tokens = _argmax(self._holes)
        found = tokens.cpu().numpy(), _logps(self._holes, tokens, self._totals)
        for array in found:
            array.flags.writeable = False  # candidates of the same hole share it
        return found

    def wishes(self, row: int, holes: Positions) -> Wishes:
        """See `Scores.wishes`."""
        if all(logits is None for logits in self._lengths):
            raise OptionError(
                "this model has no token for a length",
                expected="a vocabulary with expand or delete",
                got="neither",
                hint="choose lengths with Settings.length, or by Branching(lengths=...)",
            )
        where = self._where(row, holes)
        writable = self._holes[where]
        never = torch.full_like(writable[:, 0], NEVER)
        expand, delete = (never if logits is None else logits[where] for logits in self._lengths)
        text = writable.logsumexp(-1)
        total = torch.stack((text, expand, delete)).logsumexp(0)
        logps = torch.stack((writable.amax(-1), text, expand, delete)) - total
        return Wishes(*_numpy(logps))

    def _where(self, row: int, holes: Positions) -> Where:
        """Where some holes of a canvas stand among the holes of all."""
        first, stop = self._offsets[row], self._offsets[row + 1]
        if len(holes) == stop - first:
            return slice(first, stop)
        return first + np.searchsorted(self._canvases[row].holes, holes)

    def _spread(
        self, where: Where, allowed: Bitmasks | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with self._restricted(self._holes[where], allowed, where) as (rows, total):
            return _spread(rows, total)

    @contextmanager
    def _restricted(
        self, logits: Logits, allowed: Bitmasks | None, where: Where = ALL
    ) -> Generator[tuple[Logits, torch.Tensor]]:
        """The rows without what is not allowed, and their logsumexp [N].

        `where` says which holes they are: what is not restricted is known already. Where few
        tokens are forbidden they are struck out of our own tensor for the time being: a copy of
        it costs as much as its softmax (measured).
        """
        if allowed is None:
            yield logits, self._totals[where]
            return
        forbidden = self._writable & ~allowed
        words = np.flatnonzero(forbidden)
        if len(words) > forbidden.size // DENSE:
            masks = np.stack([unpack(row, logits.shape[-1]) for row in forbidden])
            rows = logits.masked_fill(torch.from_numpy(masks).to(logits.device), NEVER)
            yield self._even(rows, allowed)
            return
        picked = _listed(forbidden, words, logits.device)
        struck = logits[picked]
        logits[picked] = NEVER
        try:
            yield self._even(logits, allowed)
        finally:
            logits[picked] = struck

    def _even(self, logits: Logits, allowed: Bitmasks) -> tuple[Logits, torch.Tensor]:
        """The rows and their logsumexp, with even odds where the model gives nothing a chance.

        So it is where only a virtual blank fits; without this the loop would be at a dead end.
        """
        total = _total(logits)
        stuck = torch.nonzero(total.isnan())[:, 0]
        if not len(stuck):
            return logits, total
        allowed = (self._writable & allowed)[stuck.cpu().numpy()]
        masks = np.stack([unpack(row, logits.shape[-1]) for row in allowed])
        even = torch.from_numpy(np.where(masks, np.float32(0), np.float32(NEVER)))
        logits = logits.index_copy(0, stuck, even.to(logits.device))
        return logits, _total(logits)

    def _slot(self, row: int, at: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits [V] of one slot and their logsumexp; those of holes are there already."""
        if self._canvases[row].slots[at] == Slot.HOLE:
            index = int(self._offsets[row] + np.searchsorted(self._canvases[row].holes, at))
            return self._holes[index], self._totals[index]
        logits = self._logits(np.array([row]), np.array([at]))
        return logits[0], _total(logits)[0]

    def _logits(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Logits:
        return self._writable_only(self._raw(rows, at))

    def _raw(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Logits:
        return self._logits_at(torch.from_numpy(rows), torch.from_numpy(at)).float()

    def _lengths_of(self, raw: Logits) -> list[torch.Tensor | None]:
        """The logits [N] of `expand` and of `delete`; None for what the vocabulary has not."""
        tokens = self._vocab.expand, self._vocab.delete
        return [None if token is None else raw[:, token].clone() for token in tokens]

    def _writable_only(self, logits: Logits) -> Logits:
        """The logits, changed in place, with -inf for what is never written."""
        if missing := len(self._vocab) - logits.shape[-1]:  # a virtual blank the model cannot score
            logits = torch.nn.functional.pad(logits, (0, missing), value=NEVER)
        logits[:, self._banned.to(logits.device)] = NEVER
        return logits


def _listed(
    forbidden: Bitmasks, words: NDArray[np.int64], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and tokens of the bits that are set in `words`, which count through all rows."""
    bits = forbidden.reshape(-1)[words].view(np.uint32)[:, None] >> np.arange(32, dtype=np.uint32)
    index, bit = np.nonzero(bits & 1)
    rows, columns = np.divmod(words[index], forbidden.shape[1])
    return torch.from_numpy(rows).to(device), torch.from_numpy(32 * columns + bit).to(device)


def _total(logits: Logits) -> torch.Tensor:
    """[N] logsumexp in a third of the time of torch's; nan where nothing is allowed."""
    return logits.amax(-1) - logits.softmax(-1).amax(-1).log()


def _logps(logits: Logits, tokens: torch.Tensor, total: torch.Tensor) -> NDArray[np.float64]:
    """[N] The log-probability of one token of each row; -inf where nothing is allowed."""
    found = _numpy(logits.gather(-1, tokens[:, None])[:, 0] - total)
    found[np.isnan(found)] = NEVER
    return found


def _argmax(logits: Logits) -> torch.Tensor:
    """[N] The first largest of each row; on a CPU numpy finds it 13 times faster than torch."""
    if logits.device.type == "cpu":
        return torch.from_numpy(logits.numpy().argmax(-1))
    return logits.argmax(-1)


def _draw(logits: Logits, sampling: Sampling, uniforms: torch.Tensor) -> torch.Tensor:
    """[N] One token per row by inverse transform sampling in float64.

    In float32 the Gumbel trick truncates and lowers the temperature unasked (arXiv:2409.02908).
    """
    scaled = logits.double() / sampling.temperature
    if not sampling.top_k and sampling.top_p == 1:
        return _inverse_cdf(scaled.softmax(-1), uniforms)
    look = sampling.top_k or min(FIRST_LOOK, logits.shape[-1])
    values, order = scaled.topk(min(look, logits.shape[-1]))
    share = (values - scaled.logsumexp(-1, keepdim=True)).exp()
    if not sampling.top_k and (share.sum(-1) < sampling.top_p).any():
        values, order = scaled.sort(descending=True)
        share = values.softmax(-1)
    if sampling.top_k:
        share = values.softmax(-1)
    before = share.cumsum(-1) - share
    share = share.masked_fill(before >= sampling.top_p, 0.0)
    picked = _inverse_cdf(share / share.sum(-1, keepdim=True), uniforms)
    return order.gather(-1, picked[:, None])[:, 0]


def _inverse_cdf(shares: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    cumulative = shares.cumsum(-1)
    found = torch.searchsorted(cumulative, uniforms[:, None] * cumulative[:, -1:], right=True)
    last = shares.shape[-1] - 1 - (shares.flip(-1) > 0).to(torch.int8).argmax(-1)
    return torch.minimum(found[:, 0], last)  # rounding may not pick a token of no probability


def _spread(logits: Logits, total: torch.Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    best = logits.topk(min(2, logits.shape[-1])).values
    shares = (best - total[:, None]).exp()
    margins = shares[:, 0] - shares[:, 1] if shares.shape[-1] > 1 else shares[:, 0]
    logps = logits - total[:, None]
    entropies = torch.special.entr(logps.exp()).sum(-1)  # entr(0) is 0, where p·log p is nan
    return _numpy(margins), _numpy(entropies)


def _numpy(values: torch.Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
