"""Fits the gates of `infill/models/workspace.py`, and says what they are worth on other projects.

    python benchmarks/model/fit_workspace.py [--windows N] [--seed S]

The projects are installed ones that `infill/train/corpus.toml` names on neither side. Windows of
their files are masked at three ratios and by single lines, some tokens of which are known
already; a project's other files, and the file without what is masked, are the evidence. Every
third project is kept from the first fit and judges it; the constants printed are fitted on all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import files
from itertools import pairwise

import numpy as np
import torch

import infill
from infill.canvas import Canvas, Slot
from infill.models import workspace
from infill.models.denoiser import Denoiser
from infill.models.ngrams import contexts, looked
from infill.models.workspace import TEMPLATES, Evidence
from infill.train.corpus import clean, read_pins

PROJECTS = (
    *("huggingface_hub", "pygls", "pathspec", "matplotlib", "hypothesis", "filelock", "fire"),
    *("tomlkit", "hatchling", "tqdm", "markdown-it-py", "pygments", "pynvim", "execnet"),
    *("llguidance", "transformers", "torch"),
)
FOLDERS = ("transformers/generation", "transformers/utils", "transformers/pipelines")
FOLDERS += ("torch/distributions", "torch/optim", "torch/nn/modules")
"""Of the two largest projects, these only."""
MOST_BYTES = 2_000_000  # of one project
KINDS = ("0.15", "0.5", "0.85", "line")
STEPS, RATE = 300, 0.1


@dataclass(frozen=True)
class Slots:
    """N masked slots, in J contexts each.

    often, varied, right   [N, J] occurrences of a context, different tokens, the right token's
    model                  [N, 4] its log-probability of the right token, entropy, log-probability
                           of the best, and of all that evidence speaks of
    """

    often: np.ndarray
    varied: np.ndarray
    right: np.ndarray
    model: np.ndarray
    kind: str
    project: str


def texts(project: str) -> dict[str, bytes]:
    """The project's files as the corpus would have cleaned them."""
    found: dict[str, bytes] = {}
    listed = [file for file in files(project) or () if str(file).endswith(".py")]
    if project in {"transformers", "torch"}:
        listed = [file for file in listed if str(file).startswith(FOLDERS)]
    for file in sorted(listed, key=str):
        text = clean(str(file), file.read_binary())
        if text is not None and sum(map(len, found.values())) + len(text) < MOST_BYTES:
            found[str(file)] = text.encode()
    return found


def masked(ids: np.ndarray, breaks: np.ndarray, kind: str, rng: np.random.Generator):
    """What to ask and what to hide of a window, both bool [T]; nothing where it has no line."""
    asked = np.zeros(len(ids), bool)
    if kind != "line":
        asked = rng.random(len(ids)) < float(kind)
        return asked.copy(), asked
    ends = np.flatnonzero(breaks[ids])
    lines = [(a + 1, b) for a, b in pairwise(ends) if 2 <= b - a - 1 <= 24]
    hidden = asked.copy()
    if lines:
        start, stop = lines[rng.integers(len(lines))]
        hidden[start:stop] = True
        asked = hidden & (rng.random(len(ids)) < rng.choice([1, 0.75, 0.5, 0.25]))
    return asked, hidden


def windows(model: Denoiser, project: str, count: int, rng: np.random.Generator) -> Iterator[Slots]:
    vocab, evidence = model.vocab, Evidence.of(texts(project), model.vocab)
    prologue = model.capabilities.prologue("python")
    room = model.capabilities.context - len(prologue)
    breaks = np.array([vocab.token_bytes(token)[:1] == b"\n" for token in range(len(vocab))])
    names = [name for name, text in evidence.texts.items() if len(text.rows[0]) > 60]
    for _ in range(count):
        name = names[rng.integers(len(names))]
        ids = evidence.texts[name].rows[0]
        starts = np.append(0, np.flatnonzero(breaks[ids]) + 1)
        for kind in KINDS:
            start = int(rng.choice(starts[starts < max(1, len(ids) - room)]))
            window = ids[start : start + room]
            asked, hidden = masked(window, breaks, kind, rng)
            if not asked.any() or (window < 0).any():
                continue
            shown = ids.copy()
            shown[start : start + room][hidden] = -1
            edges = np.flatnonzero(np.diff(shown < 0)) + 1
            parts = [part for part in np.split(shown, edges) if len(part) and part[0] >= 0]
            opened = evidence.opened(name, *(vocab.decode(part.tolist()) for part in parts))
            slots = np.append(np.zeros(len(prologue)), np.where(asked, Slot.HOLE, Slot.GIVEN))
            canvas = Canvas(np.append(prologue, window), slots)
            yield _slots(model, opened, canvas, window, kind=kind, project=project)


def _slots(model, evidence: Evidence, canvas: Canvas, window: np.ndarray, **of: str) -> Slots:
    """Of the holes whose tokens evidence speaks of at all."""
    answers = np.append(canvas.ids[: len(canvas) - len(window)], window)
    at = canvas.holes[workspace.told(model.vocab)[answers[canvas.holes]]]
    answer = answers[at]
    ids, known, places = evidence._row(canvas)
    bits = workspace._bits(model.vocab)
    wanted = contexts(ids, known, places[at], bits=bits, templates=TEMPLATES)
    found = looked(evidence._layers, wanted.ravel())
    hit = found.tokens == np.repeat(answer, len(TEMPLATES))[found.queries]
    often, varied, right = (
        np.bincount(queries, counts, wanted.size).reshape(wanted.shape)
        for queries, counts in (
            (found.queries, found.counts),
            (found.queries, None),
            (found.queries[hit], found.counts[hit]),
        )
    )
    logps = torch.from_numpy(model([canvas]).logits(0, at)).log_softmax(-1)
    own = logps[torch.arange(len(answer)), torch.from_numpy(answer)]
    unsure = torch.special.entr(logps.exp()).sum(-1)
    text = logps[:, torch.from_numpy(workspace.told(model.vocab))].logsumexp(-1)
    said = torch.stack((own, unsure, logps.amax(-1), text), 1).numpy()
    return Slots(often, varied, right, said, **of)


class Gates(torch.nn.Module):
    """The mixture: one gate per template; how often, how varied, unsure and peak are shared."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = torch.nn.Parameter(torch.full((len(TEMPLATES),), -3.0))
        self.shared = torch.nn.Parameter(torch.zeros(4))

    def forward(self, often, varied, right, model):
        """Log-probability of the right token, and λ; each [N]."""
        seen = often > 0
        often, varied = often.clamp_min(1), varied.clamp_min(1)
        gates = self.gates + self.shared[0] * often.log() + self.shared[1] * varied.log()
        own = self.shared[2] * model[:, 1] + self.shared[3] * model[:, 2]
        weights = torch.cat((own[:, None], gates.masked_fill(~seen, -1e9)), 1).log_softmax(1)
        said = torch.where(right > 0, (right.clamp_min(1) / often).log(), -60.0) + model[:, 3:]
        logps = (weights + torch.cat((model[:, :1], said), 1)).logsumexp(1)
        return logps, 1 - weights[:, 0].exp()


def fit(data: list[Slots]) -> Gates:
    """Kinds count alike, whatever number of slots they have."""
    parts = [stacked([one for one in data if one.kind == kind]) for kind in KINDS]
    gates = Gates()
    optimiser = torch.optim.Adam(gates.parameters(), lr=RATE)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, STEPS)
    for _ in range(STEPS):
        loss = -sum(gates(*part)[0].mean() for part in parts) / len(KINDS)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    return gates


def stacked(data: list[Slots], most: int = 8_000):
    columns = [(one.often, one.varied, one.right, one.model) for one in data]
    parts = [torch.from_numpy(np.concatenate(part)).float() for part in zip(*columns, strict=True)]
    picks = torch.randperm(len(parts[0]), generator=torch.Generator().manual_seed(0))[:most]
    return [part[picks] for part in parts]


@torch.no_grad()
def told(name: str, gates: Gates, data: list[Slots]) -> None:
    for kind in KINDS:
        part = stacked([one for one in data if one.kind == kind], most=10**9)
        mixed, share = gates(*part)
        print(
            f"{name:8} {kind:5} {len(mixed):7} slots: model {-part[3][:, 0].mean():.3f}, mixed "
            f"{-mixed.mean():.3f} nats, λ {share.mean():.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--windows", type=int, default=14, help="of each project and kind")
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if known := {pin.name for pin in read_pins()} & set(PROJECTS):
        raise SystemExit(f"in the corpus: {', '.join(sorted(known))}")
    model, rng = infill.load(), np.random.default_rng(args.seed)
    data = [one for project in PROJECTS for one in windows(model, project, args.windows, rng)]
    judges = set(sorted(PROJECTS)[::3])
    told("held out", fit([one for one in data if one.project not in judges]),
         [one for one in data if one.project in judges])  # fmt: skip
    gates = fit(data)
    told("all", gates, data)
    print("OFTEN, VARIED, UNSURE, PEAK =", [round(value, 2) for value in gates.shared.tolist()])
    for template, gate in zip(TEMPLATES, gates.gates.tolist(), strict=True):
        print(f"    {template}: {gate:.2f},")


if __name__ == "__main__":
    main()
