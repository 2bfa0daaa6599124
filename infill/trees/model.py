"""A masked model as a proposer of edits: it says where it doubts a text, and fills the place anew.

A node is chosen by its leave-one-out gap: its tokens are hidden, and the best token's
log-probability is compared with that of the token that stood there. (What a masked model says of a
token that it sees was never trained.) The node is then filled by a `Workbench`, under the grammar,
at a length near its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Slot
from infill.decode.candidates import Row, Sampling, Scores
from infill.decode.policy import Confidence
from infill.edit.grammars import Choice
from infill.edit.holes import Hole
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import FillError, GrammarDisagreementError, LimitError
from infill.models.denoiser import Capabilities, Denoiser
from infill.trees.tree import Edit, Parsed, Path, Tree, is_below
from infill.vocab import Vocab

BATCH = 16  # canvases in one forward; more only costs memory
WORST = 20.0  # nats; a token that the model rules out is no more in doubt than that
SAMPLED = Settings(tries=1, policy=Confidence(sampling=Sampling(temperature=0.8)))
"""One try a fill, drawn at random: the search tries again, elsewhere too."""


class Counted:
    """A denoiser that counts the canvases it has scored."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser, self.canvases = denoiser, 0

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        return self._denoiser.vocab

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._denoiser.capabilities

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Score the canvases, and count them."""
        self.canvases += len(canvases)
        return self._denoiser(canvases)


@dataclass(frozen=True, kw_only=True)
class ModelEdits:
    """Hides a node that the model doubts, and lets the model fill it.

    language, grammar   what the text is, as for `Workbench.fill`
    sigma               leaves of the largest node that is replaced
    below               the node whose descendants are offered; all else stays as it is
    lengths             how many tokens longer than the node a fill may be; one is drawn for each
    temperature         nodes are drawn by softmax(gap / temperature), gaps in nats; infinity
                        draws them evenly, which tells what the gaps are worth
    settings            how to fill; their seed is replaced by drawn ones

    A fill that no text of the grammar has, or that does not parse, is no edit: there may be fewer
    edits than were asked for. Raises GrammarDisagreementError as a workbench does.
    """

    denoiser: Denoiser
    language: str | None = None
    grammar: Choice = None
    sigma: int = 12
    below: Path = ()
    lengths: tuple[int, ...] = (-1, 0, 0, 1, 2)
    temperature: float = 1.0
    settings: Settings = SAMPLED
    _counted: Counted = field(init=False, repr=False)
    _known: dict[bytes, NDArray[np.float64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counted", Counted(self.denoiser))
        object.__setattr__(self, "_known", {})  # a search asks for the same text each round

    @property
    def forwards(self) -> int:
        """How many canvases the model has scored so far."""
        return self._counted.canvases

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """Up to k edits of the nodes in doubt."""
        nodes = self._nodes(parsed)
        if not nodes:
            return []
        if parsed.data not in self._known:
            self._known[parsed.data] = self.gaps(parsed, [node for _, node in nodes])
        keys = self._known[parsed.data] / self.temperature
        picks = (keys + rng.gumbel(size=(k, len(nodes)))).argmax(-1)  # draws from the softmax
        edits = list[Edit]()
        for pick in picks.tolist():
            path, node = nodes[pick]
            more = self.lengths[rng.integers(len(self.lengths))]
            edit = self._filled(parsed, path, node, more, int(rng.integers(2**32)))
            if edit is not None:
                edits.append(edit)
        return edits

    def _nodes(self, parsed: Parsed) -> list[tuple[Path, Tree]]:
        """The nodes that may be replaced; of those over the same bytes, the outermost."""
        fitting = {
            node.span: (path, node)
            for path, node in reversed(list(parsed.tree.walk()))
            if 0 < node.leaves <= self.sigma and is_below(path, self.below)
        }
        return list(reversed(fitting.values()))

    def gaps(self, parsed: Parsed, nodes: Sequence[Tree]) -> NDArray[np.float64]:
        """[N] Per node, how much likelier than its tokens the best ones are (nats, mean)."""
        vocab, capabilities = self._counted.vocab, self._counted.capabilities
        prologue = capabilities.prologue(self.language)
        ids = np.array(vocab.encode(parsed.data), np.int64)
        ends = np.cumsum([len(vocab.token_bytes(token)) for token in ids.tolist()])
        gaps = list[float]()
        for first in range(0, len(nodes), BATCH):
            shown = [
                _hidden(ids, _tokens(ends, node), prologue, capabilities.context)
                for node in nodes[first : first + BATCH]
            ]
            scores = self._counted([canvas for canvas, _ in shown])
            gaps += [_gap(scores[row], canvas, true) for row, (canvas, true) in enumerate(shown)]
        return np.array(gaps)

    def _filled(self, parsed: Parsed, path: Path, node: Tree, more: int, seed: int) -> Edit | None:
        """The node filled anew; None where there is no such text, or only the old one."""
        span = node.span
        old = parsed.text_of(node)
        length = max(1, len(self._counted.vocab.encode(old.encode())) + more)
        bench = Workbench(self._counted, replace(self.settings, seed=seed))
        hole = Hole(span.start, span.stop, min_tokens=length, max_tokens=length)
        try:
            proposal = bench.fill(parsed.data, [hole], language=self.language, grammar=self.grammar)
        except GrammarDisagreementError:
            raise
        except (FillError, LimitError):
            return None
        [fill] = proposal.holes
        if fill.text.strip() == old:
            return None
        return Edit(path, span, fill.text, logp=fill.score * length)


def _tokens(ends: NDArray[np.int64], node: Tree) -> range:
    """The tokens that share a byte with a node; `ends` has where each token ends."""
    first = int(np.searchsorted(ends, node.span.start, side="right"))
    return range(first, int(np.searchsorted(ends, node.span.stop, side="left")) + 1)


def _hidden(
    ids: NDArray[np.int64], tokens: range, prologue: tuple[int, ...], context: int
) -> tuple[Canvas, list[int]]:
    """The canvas with some tokens hidden, cropped around them to the context; and the tokens."""
    room = context - len(prologue)
    start = min(max(0, (tokens.start + tokens.stop - room) // 2), max(0, len(ids) - room))
    shown = ids[start : start + room]
    slots = np.full(len(shown), Slot.GIVEN)
    slots[max(0, tokens.start - start) : tokens.stop - start] = Slot.HOLE
    true = shown[slots == Slot.HOLE].tolist()
    given = np.full(len(prologue), Slot.GIVEN)
    canvas = Canvas([*prologue, *shown.tolist()], np.concatenate((given, slots)))
    return canvas, true


def _gap(row: Row, canvas: Canvas, true: Sequence[int]) -> float:
    """Mean over the hidden tokens of best less true log-probability (nats)."""
    gaps = [
        min(WORST, float(row.top(at, k=1).logps[0]) - row.logp(at, token))
        for at, token in zip(canvas.holes.tolist(), true, strict=True)
    ]
    return float(np.mean(gaps))
