"""Fits the weights of `infill.edit.ranking`, and says what lines of a workspace are worth.

    python benchmarks/model/rank_lines.py PACKAGE... [--lines 200] [--seed 2] [--json FILE]

Each PACKAGE is a folder of Python files, a project that no embedded model was trained on and that
is not among those held out for its figures. Statement lines in functions are hidden one at a time
(one in seven gaps is up to four lines), and the rest of the project is the workspace. Weights are
fitted by maximum likelihood of the conditional logit model, with an L2 penalty of 3 on
standardised traits; the table is cross-validated, four folds by project.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from infill.bench.gaps import statement_lines
from infill.edit.retrieval import Lines
from infill.edit.rows import Around

LONGEST = 240  # characters of a hidden line
SEVERAL = 1 / 7  # of the gaps have up to four lines
PENALTY = 3.0
FOLDS = 4


@dataclass(frozen=True)
class Item:
    """A gap: the fills that were proposed, their traits [N, F], and which is right."""

    project: str
    several: bool
    names: tuple[str, ...]
    traits: NDArray[np.float64]
    right: NDArray[np.bool_]
    elsewhere: bool


def texts_of(folder: Path) -> dict[str, str]:
    """The Python files below a folder that parse."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        with suppress(SyntaxError, ValueError):
            text = path.read_text("utf-8")
            ast.parse(text)
            found[str(path.relative_to(folder.parent))] = text
    return found


def gaps(
    texts: Mapping[str, str], count: int, rng: np.random.Generator
) -> Iterator[tuple[Around, str]]:
    """Up to `count` gaps, and what stood there."""
    names = sorted(texts)
    places = {name: set(statement_lines(texts[name])) for name in names}
    seen = set[tuple[str, int]]()
    for _ in range(50 * count):
        name = names[rng.integers(len(names))]
        if not places[name] or len(seen) == count:
            continue
        first = sorted(places[name])[rng.integers(len(places[name]))]
        last = first + (int(rng.integers(1, 4)) if rng.random() < SEVERAL else 0)
        if (name, first) in seen or not places[name] >= set(range(first, last + 1)):
            continue
        lines = texts[name].split("\n")
        indent = len(lines[first]) - len(lines[first].lstrip())
        answer = "\n".join(lines[first : last + 1])[indent:].rstrip()
        if len(answer) <= LONGEST:
            seen.add((name, first))
            left = "\n".join([*lines[:first], lines[first][:indent]])
            yield Around(name, (left, "\n".join(["", *lines[last + 1 :]]))), answer


def items_of(folder: Path, count: int, seed: int) -> Iterator[Item]:
    """The gaps of one project, with what is proposed for them."""
    texts = texts_of(folder)
    lines, rng = Lines.of(texts), np.random.default_rng([seed, *folder.name.encode()])
    known = [line.strip() for text in texts.values() for line in text.split("\n")]
    for around, answer in gaps(texts, count, rng):
        found = lines.proposals(around)
        if found:
            names = tuple(found[0].traits)
            traits = np.array([list(one.traits.values()) for one in found])
            right = np.array([one.text == answer for one in found])
            elsewhere = known.count(answer) > 1
            yield Item(folder.name, "\n" in answer, names, traits, right, elsewhere)


def fit(items: Sequence[Item]) -> tuple[NDArray[np.float64], float]:
    """Weights [F] and bias of the conditional logit model, for traits as they are."""
    rows = np.vstack([one.traits for one in items])
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    x = torch.from_numpy((rows - mean) / spread)
    right = torch.from_numpy(np.concatenate([one.right for one in items]))
    group = torch.from_numpy(np.repeat(np.arange(len(items)), [len(one.right) for one in items]))
    w = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([w], max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = x @ w[:-1] + w[-1]
        sums = torch.zeros(len(items), dtype=torch.float64).index_add(
            0, group, logits.clamp(max=40).exp()
        )
        nats = torch.log1p(sums).sum() - logits[right].sum() + PENALTY * (w[:-1] ** 2).sum()
        nats.backward()  # pyright: ignore[reportUnknownMemberType]
        return nats

    optimiser.step(loss)  # pyright: ignore[reportUnknownMemberType]
    found = w.detach().numpy()
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ mean)


def measured(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Per gap what was found by weights that were fitted on other projects."""
    projects = list(dict.fromkeys(one.project for one in items))
    rows: list[dict[str, Any]] = []
    for fold in range(FOLDS):
        held = set(projects[fold::FOLDS])
        weights, bias = fit([one for one in items if one.project not in held])
        for one in items:
            if one.project in held:
                logits = one.traits @ weights + bias
                order = np.argsort(-logits)
                rows.append(
                    {
                        "project": one.project,
                        "several": one.several,
                        "elsewhere": one.elsewhere,
                        "proposed": bool(one.right.any()),
                        "first": bool(one.right[order[0]]),
                        "among 8": bool(one.right[order[:8]].any()),
                    }
                )
    return rows


def main() -> None:
    """Fit, print the table and the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", type=Path)
    parser.add_argument("--lines", type=int, default=200, help="gaps per project")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    options = parser.parse_args()
    items = [
        item
        for folder in options.packages
        for item in items_of(folder.resolve(), options.lines, options.seed)
    ]
    rows = measured(items)
    columns = ("elsewhere", "proposed", "among 8", "first")
    print("| project | lines | " + " | ".join(columns) + " |")
    for project in [
        *dict.fromkeys(row["project"] for row in rows),
        "all, one line",
        "all, several",
    ]:
        own = [
            row
            for row in rows
            if row["project"] == project
            or project == ("all, several" if row["several"] else "all, one line")
        ]
        shares = " | ".join(f"{np.mean([row[name] for row in own]):.3f}" for name in columns)
        print(f"| {project} | {len(own)} | {shares} |")
    weights, bias = fit(items)
    for name, weight in zip(items[0].names, weights, strict=True):
        print(f'    "{name}": {weight:.3f},')
    print(f"BIAS = {bias:.3f}")
    if options.json:
        options.json.write_text(json.dumps(rows), "utf-8")


if __name__ == "__main__":
    main()
