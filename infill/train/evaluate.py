"""What a trained model is worth on projects it never saw, next to two trivial fillers.

Cross-entropy by mask ratio, and single-line infill: a statement line inside a function is hidden
and written again, most confident token first, one token a step, its indentation given and no
newline allowed. "oracle" knows how many tokens the line had; "searched" tries 1…20 at once and
keeps the length whose masks are predicted most surely. The baselines get the oracle's length.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infill.models.tiny import TinyTransformer
from infill.train.baselines import NGram, next_lines
from infill.train.corpus import File
from infill.train.corrupt import spoil
from infill.train.stream import Stream, draw
from infill.train.tokenizer import Codec, Kind, Special, is_special

_SHORTEST = 6
_HEADED = ast.If | ast.For | ast.While | ast.With | ast.AsyncFor | ast.AsyncWith | ast.FunctionDef


_OTHER = ast.Try | ast.TryStar | ast.Match | ast.ClassDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Task:
    """One hidden line.

    before, after   ids of the window around it; `before` opens with the prologue
    ids, line       what stood there, as ids and as text without indentation
    above           the stripped non-blank line before it
    left, right     the rest of the file, as text
    """

    project: str
    before: tuple[int, ...]
    ids: tuple[int, ...]
    after: tuple[int, ...]
    line: str
    above: str
    left: str
    right: str


Fill = Callable[[Task], str]


def nats_by_ratio(
    model: TinyTransformer, stream: Stream, ratios: Sequence[float], *, windows: int, seed: int
) -> dict[str, dict[str, float]]:
    """Held-out cross-entropy (nats per token) and top-1 at each mask ratio.

    Specials stay visible and do not count. Windows are as long as the context, or as the stream.
    """
    found: dict[str, dict[str, float]] = {}
    for ratio in ratios:
        rng = np.random.default_rng([seed, int(1000 * ratio)])
        T = min(model.config.context, stream.longest)
        ids = draw(stream, rng, B=windows, T=T).ids
        asked = (rng.random(ids.shape) < ratio) & ~is_special(ids)
        shown = torch.from_numpy(np.where(asked, Special.MASK, ids))
        logp = _ask(model, shown, torch.from_numpy(asked))
        target = torch.from_numpy(ids[asked])
        found[f"{ratio:g}"] = {
            "nats": round(-logp.gather(1, target[:, None]).mean().item(), 4),
            "top1": round((logp.argmax(1) == target).double().mean().item(), 4),
            "tokens": len(target),
        }
    return found


def suspicion(
    model: TinyTransformer, stream: Stream, codec: Codec, *, windows: int, seed: int
) -> float:
    """AUC of "this visible token is wrong", by the model's confidence in it; 0.5 is chance."""
    rng = np.random.default_rng([seed, 7])
    rows = draw(stream, rng, B=windows, T=model.config.context).ids
    spoilt = [spoil(row, codec, rng)[0] for row in rows]
    ids = np.stack(spoilt)
    visible = ~is_special(ids) & ~is_special(rows)
    logp = _ask(model, torch.from_numpy(ids), torch.from_numpy(visible))
    trust = logp.gather(1, torch.from_numpy(ids[visible])[:, None])[:, 0].double().numpy()
    wrong = (ids != rows)[visible]
    ranks = np.empty(len(trust))
    ranks[np.argsort(trust, kind="stable")] = np.arange(len(trust))
    bad = int(wrong.sum())
    above = ranks[~wrong].sum() - (len(trust) - bad) * (len(trust) - bad - 1) / 2
    return round(float(above / (bad * (len(trust) - bad))), 4)


def line_tasks(
    files: Sequence[File], codec: Codec, *, per_project: int, context: int, seed: int
) -> list[Task]:
    """Up to `per_project` statement lines of each project, drawn at random."""
    rng = np.random.default_rng([seed, 11])
    tasks: list[Task] = []
    for project in sorted({file.project for file in files}):
        own = [file for file in files if file.project == project]
        places = [(file, number) for file in own for number in statement_lines(file.text)]
        for choice in rng.permutation(len(places)):
            file, number = places[choice]
            task = _task(file, number, codec, context)
            if task is not None:
                tasks.append(task)
            if sum(t.project == project for t in tasks) == per_project:
                break
    return tasks


def statement_lines(text: str) -> list[int]:
    """Indices of lines that hold one whole statement or header, inside a function.

    No docstrings, no lines of fewer than six characters.
    """
    lines = text.split("\n")
    found: set[int] = set()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.stmt) and node is not function and _is_line(node):
                    found.add(node.lineno - 1)
    return sorted(number for number in found if len(lines[number].strip()) >= _SHORTEST)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the corpus, as tokens and as files."""

    stream: Stream
    files: Sequence[File]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure: windows per mask ratio, lines per held-out project."""

    windows: int = 64
    per_project: int = 30
    seed: int = 0


def evaluate(
    model: TinyTransformer, codec: Codec, train: Side, heldout: Side, effort: Effort
) -> dict[str, Any]:
    """All figures as one JSON-able object; the baselines learn from `train`."""
    model.eval()
    seed, windows = effort.seed, effort.windows
    tasks = line_tasks(
        heldout.files, codec, per_project=effort.per_project, context=model.config.context,
        seed=seed,
    )  # fmt: skip
    barred = np.isin(codec.kinds, (Kind.NEWLINE, Kind.SPECIAL))
    ngram = NGram.learn(train.stream.ids, barred)
    lookup = next_lines((file.text for file in train.files), {task.above for task in tasks})
    bar = torch.from_numpy(barred)
    fillers: dict[str, Fill] = {
        "model, oracle length": lambda t: codec.decode(fill(model, t, len(t.ids), bar)),
        "model, searched length": lambda t: codec.decode(
            fill(model, t, best_length(model, t, bar), bar)
        ),
        "5-gram, oracle length": lambda t: codec.decode(ngram.fill(t.before, len(t.ids))),
        "most frequent next line": lambda t: lookup.get(t.above, lookup[""]),
    }
    return {
        "heldout": nats_by_ratio(
            model, heldout.stream, (0.15, 0.5, 0.85), windows=windows, seed=seed
        ),
        "suspicion_auc": suspicion(model, heldout.stream, codec, windows=windows, seed=seed),
        "lines": len(tasks),
        "projects": len({task.project for task in tasks}),
        "infill": {name: judge(tasks, filler) for name, filler in fillers.items()},
    }


def judge(tasks: Sequence[Task], filler: Fill) -> dict[str, float]:
    """Shares of exact matches and of files that still parse, and the mean edit similarity."""
    fills = [filler(task).rstrip() for task in tasks]
    pairs = list(zip(tasks, fills, strict=True))
    return {
        "exact_match": round(sum(f == t.line.rstrip() for t, f in pairs) / len(pairs), 4),
        "edit_similarity": round(sum(similarity(f, t.line) for t, f in pairs) / len(pairs), 4),
        "parses": round(sum(_parses(t.left + f + t.right) for t, f in pairs) / len(pairs), 4),
    }


def fill(model: TinyTransformer, task: Task, count: int, barred: Tensor) -> list[int]:
    """`count` tokens for the task's line: most confident first, one a step; `barred` bool [V]."""
    start = len(task.before)
    ids = torch.tensor([[*task.before, *[Special.MASK] * count, *task.after]])
    open_ = torch.zeros_like(ids, dtype=torch.bool)
    open_[:, start : start + count] = True
    for _ in range(count):
        logp = _ask(model, ids, open_).masked_fill(barred, -torch.inf)
        sure, token = logp.max(dim=1)
        pick = int(sure.argmax())
        at = open_[0].nonzero()[pick, 0]
        ids[0, at], open_[0, at] = token[pick], False
    return ids[0, start : start + count].tolist()


def best_length(model: TinyTransformer, task: Task, barred: Tensor, *, most: int = 20) -> int:
    """The number of masks, 1…`most`, whose likeliest tokens have the highest mean logp at once."""
    rows = [[*task.before, *[Special.MASK] * n, *task.after] for n in range(1, most + 1)]
    longest = len(rows[-1])
    ids = torch.tensor([row + [Special.PAD] * (longest - len(row)) for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    asked = ids == Special.MASK  # the task's own text holds no specials
    logp = _ask(model, ids, asked, lengths).masked_fill(barred, -torch.inf).max(dim=1).values
    means = [part.mean().item() for part in logp.split(list(range(1, most + 1)))]
    return 1 + int(np.argmax(means))


def similarity(left: str, right: str) -> float:
    """1 minus Levenshtein distance / the longer length.

    >>> similarity("x = 1", "x = 2"), similarity("", "")
    (0.8, 1.0)
    """
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return 1 - row[-1] / max(len(left), len(right), 1)


@torch.no_grad()
def _ask(
    model: TinyTransformer, ids: Tensor, asked: Tensor, lengths: Tensor | None = None
) -> Tensor:
    """Log-probabilities [N, V] at the asked positions of [B, T], a few rows at a time."""
    parts: list[Tensor] = []
    device = model.embed.device
    for i in range(0, len(ids), 16):
        part = slice(i, i + 16)
        long = None if lengths is None else lengths[part].to(device)
        h = model.hidden(ids[part].to(device), long)
        parts.append(model.head(h[asked[part].to(device)]).float().log_softmax(dim=1).cpu())
    return torch.cat(parts)


def _task(file: File, number: int, codec: Codec, context: int) -> Task | None:
    """Hide line `number`; None where a token straddles its edges (a form feed, say)."""
    lines = file.text.split("\n")
    line = lines[number].lstrip()
    left = "".join(text + "\n" for text in lines[:number])
    left += lines[number][: len(lines[number]) - len(line)]
    ids = np.array(codec.encode(file.text), dtype=np.int64)
    ends = np.cumsum(codec.sizes[ids])
    start, stop = (
        int(np.searchsorted(ends, len(text.encode()), side="right")) for text in (left, left + line)
    )
    if codec.decode(ids[start:stop]) != line:
        return None
    room = context - 2 - (stop - start) - 20
    low = max(0, start - 2 * room // 3)
    above = [text.strip() for text in lines[:number] if text.strip()]
    return Task(
        project=file.project,
        before=(Special.BOS, Special.PYTHON, *map(int, ids[_line_start(ids, codec, low) : start])),
        ids=tuple(map(int, ids[start:stop])),
        after=tuple(map(int, ids[stop : stop + room // 3])),
        line=line,
        above=above[-1] if above else "",
        left=left,
        right=file.text[len(left) + len(line) :],
    )


def _line_start(ids: NDArray[np.int64], codec: Codec, low: int) -> int:
    """The first token at or after `low` that begins a line, as the windows of training do."""
    if low == 0:
        return 0
    breaks = np.flatnonzero(codec.kinds[ids[low - 1 :]] == Kind.NEWLINE)
    return low + int(breaks[0]) if len(breaks) else low


def _is_line(node: ast.stmt) -> bool:
    """A statement that ends on the line it starts, or a header; no bare constant."""
    if isinstance(node, _OTHER):
        return False
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return False
    if isinstance(node, _HEADED):
        return node.body[0].lineno == node.lineno + 1
    return node.end_lineno == node.lineno


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return False
    return True
