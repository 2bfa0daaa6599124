"""Ways to carry a new name to a variable's other occurrences. Add another to `RENAMERS`."""

from __future__ import annotations

from dataclasses import dataclass

from infill.bench.fixers import Fixing
from infill.bench.methods import APART, WARM, Rate
from infill.bench.metrics import pieces
from infill.bench.outcome import Method, Outcome
from infill.bench.programs import put
from infill.bench.rename import Rename
from infill.decode.policy import Confidence
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.tied import rename
from infill.edit.workbench import Workbench
from infill.errors import InfillError
from infill.models.denoiser import Denoiser
from infill.text import Span, TextEdit


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens the stale occurrences and fills them jointly, in as many tokens as the new name has.

    Of several draws the one that the model finds likeliest is taken.
    """

    draws: int = 1

    def __call__(self, denoiser: Denoiser, item: Rename, seed: int) -> Outcome:
        """The filled text; as it is where no fill was found."""
        found: list[Proposal] = []
        failed = ""
        for draw in range(self.draws):
            try:
                found.append(self._fill(denoiser, item, (seed * self.draws + draw) * APART))
            except InfillError as error:
                failed = error.what
        if not found:
            return Outcome(text=item.text, failed=failed)
        return Outcome(text=max(found, key=lambda proposal: proposal.score).text)

    def _fill(self, denoiser: Denoiser, item: Rename, seed: int) -> Proposal:
        row = pieces(item.text)
        holes: list[Hole] = []
        for at in item.stale:
            start, stop = row[at].start, row[at].stop  # programs are ASCII
            space = item.text[start - 1 : start] == " "  # it is part of the token that follows
            count = len(denoiser.vocab.encode((" " * space + item.new).encode()))
            holes.append(Hole(start, stop, count, count))
        policy = Confidence(sampling=WARM) if self.draws > 1 else Confidence()
        settings = Settings(policy=policy, schedule=Rate(1), seed=seed)
        return Workbench(denoiser, settings).fill(item.text, holes, language="python")


def revised(denoiser: Denoiser, item: Rename, seed: int) -> Outcome:
    """Free revision: any piece but the locked one may change, a round for each occurrence."""
    fixing = Fixing(rounds=len(item.stale))
    return fixing.mend(denoiser, item.text, frozenset(), seed, kept={item.locked})


@dataclass(frozen=True, slots=True)
class Tying:
    """The library's rename: all occurrences get one name, the one that fits them best together.

    scoped   only names that keep the text's meaning are considered
    """

    scoped: bool

    def __call__(self, denoiser: Denoiser, item: Rename, seed: int) -> Outcome:
        """The renamed text; as it is where no name will do."""
        before = put(item.text, {item.locked: item.old})
        piece = pieces(before)[item.locked]
        edit = TextEdit(Span(piece.start, piece.stop), item.new.encode())  # programs are ASCII
        settings = Settings(seed=seed)
        try:
            tied = rename(
                before, edit, keeps_meaning=self.scoped, model=denoiser, settings=settings
            )
        except InfillError as error:
            return Outcome(text=item.text, failed=error.what)
        return Outcome(text=tied.text)


def symbolic(denoiser: Denoiser, item: Rename, seed: int) -> Outcome:
    """What scope analysis alone does, without a model: right by construction."""
    del denoiser, seed
    return Outcome(text=put(item.text, dict.fromkeys(item.stale, item.new)))


def nothing(denoiser: Denoiser, item: Rename, seed: int) -> Outcome:
    """The text as it is, as a copy model leaves it."""
    del denoiser, seed
    return Outcome(text=item.text)


RENAMERS: tuple[Method[Rename], ...] = (
    Method("greedy, 1 a step, occurrences opened", Opening()),
    Method("best of 4, occurrences opened", Opening(draws=4), draws=True),
    Method("free revision, partition of 4", revised),
    Method("tied, names ranked by the model", Tying(scoped=False)),
    Method("tied, names that keep the meaning", Tying(scoped=True)),
    Method("symbolic rename, no model", symbolic),
    Method("nothing (copy)", nothing),
)
