"""What a model must be, to be used here: canvases go in, scores come out.

The protocol belongs to the loop that calls it; models implement it and see nothing above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from infill.canvas import Canvas, Positions
from infill.decode.candidates import Scores
from infill.errors import OptionError
from infill.vocab import Vocab


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do, so that callers need not ask its name.

    name            how a person calls it
    device          where it runs, as torch names it
    digest          sha256 of the weights, or a name for what stands in for them
    context         tokens it was trained to see at once
    sees_suffix     whether text right of a hole reaches the prediction
    revises_visible whether its confidence in a visible token means anything (it was trained on
                    corrupted visible tokens)
    shadow          whether it can look at tokens as if each alone were masked, all in one forward
                    (`Shadowing`)
    prologues       per language, the ids that open a text for this model (a bos, a language tag);
                    "" is for any other language
    """

    name: str
    digest: str
    context: int
    device: str = "cpu"
    sees_suffix: bool = True
    revises_visible: bool = False
    shadow: bool = False
    prologues: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def prologue(self, language: str | None) -> tuple[int, ...]:
        """The ids that open a text in `language`."""
        return self.prologues.get(language or "", self.prologues.get("", ()))


class Denoiser(Protocol):
    """A model of the tokens at holes, given everything else on the canvas."""

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Score canvases of any lengths in one batched forward; rows do not see each other."""
        ...


@runtime_checkable
class Shadowing(Protocol):
    """A model that takes a shadow block: mask tokens that stand beside slots, at their positions.

    Each sees all of the canvas but the slot it stands for; the canvas does not see it (WINO,
    arXiv:2507.18578).
    """

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """Score canvases, and per canvas the slots `at` as if each of them alone were a hole.

        In what is returned these slots count as holes; the canvas's own are scored as ever.
        Raises ModelError for a slot that is not shown to the model.
        """
        ...


def shadowing(denoiser: Denoiser) -> Shadowing:
    """The model, if it takes a shadow block. Raises OptionError for one that does not."""
    if denoiser.capabilities.shadow and isinstance(denoiser, Shadowing):
        return denoiser
    raise OptionError(
        "this model takes no shadow block",
        expected="a model that takes attention masks and positions (Capabilities.shadow)",
        got=denoiser.capabilities.name,
        hint="use Partition() or LeaveOneOut(), which need more forwards and nothing else",
    )
