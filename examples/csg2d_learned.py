"""Learn to propose tree edits: a small network looks at the pictures, and says what to replace.

The trained policy of Tree Diffusion (arXiv:2405.20519) in small, for the toy of `csg2d.py`. For
each shape of a program it sees the picture that is wanted, the one that is drawn, what the shape
draws, and where the shape decides a pixel. It chooses a shape and what to do with it, and paints
how much it wants a circle or rectangle to cover each cell: one is likely where it covers much of
that. (A decoder that writes numbers as tokens, as in the paper, takes more lessons.)
What it learns from is in `csg2d_lessons.py`.

`python examples/csg2d_learned.py` trains for some minutes, with `--quick` for seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

import numpy as np
import torch
from csg2d import (
    DIGITS,
    RANDOM_EDITS,
    SIDE,
    TWO_SHAPES,
    Image,
    drawn,
    solve,
    targets,
)
from csg2d_lessons import lessons
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from infill.trees import Beam, Edit, Parsed, Proposer, Tree
from infill.trees.tree import Path

ACTIONS = ("shape", "number", "+", "-", "op")
"""Put a single shape in, change one number, add a single shape or take one away, swap + and -."""
SHAPE, NUMBER, ADD, TAKE, SWAP = range(len(ACTIONS))
MAPS = (0, 0, 1, 2)  # which map each action paints; to change a number is to put a like shape in
LESSONS = 240_520_519  # keeps the numbers that lessons are drawn by apart from those of `targets`
CELL = 2  # pixels; maps are painted in cells
CHANNELS = ("wanted", "drawn", "own", "draw", "spare")
SINGLES = tuple(
    " ".join((kind, *numbers))
    for kind, count in (("c", 3), ("q", 4))
    for numbers in product(DIGITS, repeat=count)
)
INDEX = {text: at for at, text in enumerate(SINGLES)}
FACTS = 4 + 7 * len(DIGITS)  # what a shape is (c, q, + or -) and its numbers, one-hot


def facts(text: str) -> NDArray[np.float32]:
    """[60] What a shape is, and its numbers, one-hot."""
    row = np.zeros(FACTS, np.float32)
    head, *rest = text.split()
    row["cq+-".index(head)] = 1
    for at, word in enumerate(rest if head in "cq" else [], 3 if head == "q" else 0):
        row[4 + len(DIGITS) * at + int(word)] = 1
    return row


def _cells(images: NDArray[np.bool_]) -> NDArray[np.float32]:
    """[N 256] How much of each cell is drawn, of images [N 32 32]."""
    side = SIDE // CELL
    return images.reshape(-1, side, CELL, side, CELL).mean((2, 4), np.float32).reshape(-1, side**2)


COVERS = torch.tensor(_cells(np.stack([drawn(text) for text in SINGLES])))  # [4608 256]
NUMBERS = torch.tensor(np.stack([facts(text) for text in SINGLES]))  # [4608 60]


# -- what the network sees -------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A shape in a program, and the picture if it drew nothing (`empty`) or everything (`full`)."""

    path: Path
    node: Tree
    text: str
    empty: Image
    full: Image

    @property
    def actions(self) -> list[int]:
        """The actions that are typed edits of at most sigma leaves here."""
        if self.text in INDEX:
            return [SHAPE, NUMBER, ADD, TAKE]
        return [SHAPE, SWAP] if self.node.leaves <= TWO_SHAPES else [SWAP]

    def edit(self, action: int, single: str, logp: float = 0.0) -> Edit:
        """The edit that an action is, with a single shape."""
        [made] = self.node.children
        path, node, new = self.path, self.node, single
        if action == SWAP:
            path, node = (*path, 0, 0), made.children[0]
            new = "-" if self.text[0] == "+" else "+"
        elif action == NUMBER:
            pairs = zip(self.text.split(), single.split(), strict=True)
            [(index, new)] = [(at, two) for at, (one, two) in enumerate(pairs) if one != two]
            path, node = (*path, 0, index), made.children[index]
        elif action in (ADD, TAKE):
            new = f"{ACTIONS[action]} {self.text} {single}"
        return Edit(path, node.span, new, logp)

    def read(self, edit: Edit) -> tuple[int, str] | None:
        """The action and the single shape of an edit; None if it is of another place."""
        if edit.path == (*self.path, 0, 0):
            return SWAP, ""
        if edit.path[:-1] == (*self.path, 0) and edit.new in DIGITS:
            words = self.text.split()
            words[edit.path[-1]] = edit.new
            return NUMBER, " ".join(words)
        if edit.path != self.path:
            return None
        if edit.new in INDEX:
            return SHAPE, edit.new
        return ACTIONS.index(edit.new[0]), edit.new.removeprefix(f"{edit.new[0]} {self.text} ")

    def seen(self, wanted: Image) -> NDArray[np.bool_]:
        """[5 32 32] The pictures, and where the shape decides: what to draw, and what to spare."""
        own, decides = drawn(self.text), self.empty != self.full
        now = np.where(own, self.full, self.empty)
        draw, spare = decides & (self.full == wanted), decides & (self.empty == wanted)
        return np.stack([wanted, now, own, draw, spare])


def places(program: Parsed) -> list[Place]:
    """The shapes of a program, parents before their children."""
    nothing = np.zeros((SIDE, SIDE), bool)
    return list(_places(program, (0,), program.tree.children[0], nothing, ~nothing))


def _places(program: Parsed, path: Path, node: Tree, empty: Image, full: Image) -> Iterator[Place]:
    yield Place(path, node, program.text_of(node), empty, full)
    if node.children[0].symbol != "pair":
        return
    op, left, right = node.children[0].children
    first, second = drawn(program.text_of(left)), drawn(program.text_of(right))
    if program.text_of(op) == "+":
        sides = (np.where(second, full, empty), full), (np.where(first, full, empty), full)
    else:
        sides = (empty, np.where(second, empty, full)), (np.where(first, full, empty), empty)
    for index, (child, side) in enumerate(zip((left, right), sides, strict=True), 1):
        yield from _places(program, (*path, 0, index), child, *side)


# -- the network ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What was made of places: logits of actions [P 5], maps [P 3 256], wishes [P 3 60]."""

    actions: Tensor
    maps: Tensor
    wishes: Tensor

    def singles(self, rows: Sequence[int], actions: Sequence[int], texts: Sequence[str]) -> Tensor:
        """[B 4608] Logits of the single shapes, -inf where an action does not allow one.

        For actions at the places `rows`, whose texts are needed: a number changes only one.
        """
        kinds = [MAPS[action] for action in actions]
        logits = self.maps[rows, kinds] @ COVERS.T + self.wishes[rows, kinds] @ NUMBERS.T
        for row, (action, text) in enumerate(zip(actions, texts, strict=True)):
            if text in INDEX and action in (SHAPE, NUMBER):
                alike, same = NUMBERS @ NUMBERS[INDEX[text]], len(text.split())
                illegal = alike == same if action == SHAPE else alike != same - 1
                logits[row] = logits[row].masked_fill(illegal, -torch.inf)
        return logits


class Policy(nn.Module):
    """Scores actions at places, and single shapes for them."""

    def __init__(self, D: int = 96, C: int = 24) -> None:
        super().__init__()
        self.eyes = nn.Sequential(
            *(nn.Conv2d(len(CHANNELS), C, 4, stride=CELL, padding=1), nn.BatchNorm2d(C), nn.ReLU()),
            *(nn.Conv2d(C, C, 3, padding=1), nn.BatchNorm2d(C), nn.ReLU()),
        )
        self.paint = nn.Conv2d(C, 3, 1)
        self.body = nn.Sequential(
            *(nn.AvgPool2d(4), nn.Flatten()),
            *(nn.Linear(C * (SIDE // CELL // 4) ** 2, D), nn.BatchNorm1d(D), nn.ReLU()),
        )
        self.known = nn.Linear(FACTS, D)
        self.mind = nn.Sequential(nn.Linear(D, D), nn.BatchNorm1d(D), nn.ReLU())
        self.action = nn.Linear(D, len(ACTIONS))
        self.wish = nn.Linear(D, 3 * FACTS)

    def look(self, found: Sequence[tuple[Place, Image]]) -> Seen:
        """What the network makes of places, each with the picture that is wanted."""
        images = torch.tensor(np.stack([place.seen(wanted) for place, wanted in found])).float()
        known = torch.tensor(np.stack([facts(place.text) for place, _ in found]))
        legal = np.zeros((len(found), len(ACTIONS)), bool)
        for row, (place, _) in enumerate(found):
            legal[row, place.actions] = True
        eyes = self.eyes(images)
        mind = self.mind(self.body(eyes) + self.known(known))
        actions = self.action(mind).masked_fill(~torch.tensor(legal), -torch.inf)
        return Seen(actions, self.paint(eyes).flatten(2), self.wish(mind).unflatten(1, (3, FACTS)))


def loss_of(policy: Policy, batch: Sequence[tuple[Parsed, Parsed, Edit]]) -> Tensor:
    """Mean over the lessons of -log p(action at a place) - log p(single shape), in nats."""
    found = list[tuple[Place, Image]]()
    owners, rows, actions, singles = list[int](), list[int](), list[int](), list[str]()
    for lesson, (now, target, edit) in enumerate(batch):
        for place in places(now):
            if (answer := place.read(edit)) is not None:
                rows.append(len(found))
                actions.append(answer[0])
                singles.append(answer[1])
            owners.append(lesson)
            found.append((place, drawn(target.text)))
    seen = policy.look(found)
    totals = torch.zeros(len(batch)).index_add(0, torch.tensor(owners), seen.actions.exp().sum(-1))
    loss = (totals.log() - seen.actions[rows, actions]).sum()
    some = [at for at, action in enumerate(actions) if action != SWAP]
    here, what = [rows[at] for at in some], [actions[at] for at in some]
    logits = seen.singles(here, what, [found[row][0].text for row in here])
    true = torch.tensor([INDEX[singles[at]] for at in some])
    return (loss + cross_entropy(logits, true, reduction="sum")) / len(batch)


def train(batches: int, *, seed: int = 0, mutations: int = 3, size: int = 64) -> Policy:
    """A policy that was trained on so many batches of lessons; the same seed, the same policy."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 5e-3, total_steps=batches, pct_start=0.05, anneal_strategy="linear"
    )
    source = lessons(np.random.default_rng([seed, LESSONS]), mutations)
    for _ in range(batches):
        loss = loss_of(policy, list(islice(source, size)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return policy.eval()


# -- the proposer ---------------------------------------------------------------------------------


@dataclass
class LearnedEdits:
    """Proposes what a policy thinks leads to a picture; keeps what it saw of each program."""

    policy: Policy
    wanted: Image
    temperature: float = 1.0
    forwards: int = 0
    _known: dict[str, tuple[list[Place], Seen]] = field(
        default_factory=dict[str, "tuple[list[Place], Seen]"], repr=False
    )

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """Up to k different edits, of twice as many that are drawn."""
        with torch.inference_mode():
            if parsed.text not in self._known:
                found = places(parsed)
                seen = self.policy.look([(place, self.wanted) for place in found])
                self._known[parsed.text] = found, seen
                self.forwards += 1
            found, seen = self._known[parsed.text]
            logps = seen.actions.double().flatten().log_softmax(0).numpy()
            keys = logps / self.temperature
            picks = (keys + rng.gumbel(size=(2 * k, len(keys)))).argmax(-1)
            rows, actions = (part.tolist() for part in np.divmod(picks, len(ACTIONS)))
            singles = self._singles(found, seen, rows, actions, rng)
        edits = dict[tuple[Path, str], Edit]()
        for row, action, pick, (single, logp) in zip(rows, actions, picks, singles, strict=True):
            edit = found[row].edit(action, single, float(logps[pick]) + logp)
            edits.setdefault((edit.path, edit.new), edit)
        return list(edits.values())[:k]

    def _singles(
        self,
        found: Sequence[Place],
        seen: Seen,
        rows: Sequence[int],
        actions: Sequence[int],
        rng: np.random.Generator,
    ) -> list[tuple[str, float]]:
        """For each action at a place a single shape, and its log-probability; none for a swap."""
        kinds = sorted({pair for pair in zip(rows, actions, strict=True) if pair[1] != SWAP})
        texts = [found[row].text for row, _ in kinds]
        logits = seen.singles([row for row, _ in kinds], [action for _, action in kinds], texts)
        logps = logits.double().log_softmax(-1)
        sums = (logps / self.temperature).softmax(-1).cumsum(-1).numpy()
        singles = list[tuple[str, float]]()
        for row, action, chance in zip(rows, actions, rng.random(len(rows)), strict=True):
            if action == SWAP:
                singles.append(("", 0.0))
                continue
            which = kinds.index((row, action))
            at = int(np.searchsorted(sums[which], chance * sums[which][-1], side="right"))
            singles.append((SINGLES[at], float(logps[which, at])))
        return singles


@dataclass(frozen=True)
class Mixed:
    """Half of the edits from one proposer, half from another."""

    first: Proposer
    second: Proposer

    @property
    def forwards(self) -> int:
        """What both have had scored."""
        return self.first.forwards + self.second.forwards

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """Up to k edits; an odd one is the second's."""
        few = self.first.propose(parsed, k // 2, rng) if k > 1 else []
        return few + self.second.propose(parsed, k - k // 2, rng)


QUICK, FULL = 80, 1_000  # batches: seconds, and minutes


def main() -> None:
    """Train, then solve two targets by random edits, by learned ones and by half of each."""
    torch.set_num_threads(1)  # the tensors are small
    policy = train(QUICK if "--quick" in sys.argv[1:] else FULL)
    for target in targets(2, 2, seed=0):
        print(f"wanted  {target}")
        learned = LearnedEdits(policy, drawn(target))
        ways = {"random": RANDOM_EDITS, "learned": learned, "both": Mixed(learned, RANDOM_EDITS)}
        for name, proposer in ways.items():
            found = solve(target, beam=Beam(nodes=1_000), proposer=proposer)
            print(f"{name:<8}{found.score:.3f} after {found.nodes} programs: {found.text}")


if __name__ == "__main__":
    main()
