"""Tables and plots of what was run: Markdown, and PNG where matplotlib is installed.

Each figure is a mean over items, the seeds of one item averaged first, with its 95 % bootstrap
interval over items. Only items that every method was run on, with every seed, count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from infill.bench.metrics import Interval, bootstrap
from infill.bench.run import Row, Run
from infill.bench.tables import Table
from infill.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method's figures.

    ms     median of processor time: the first run of a method may read what it knows
    gain   how much better than the table's first method in the first metric, item by item
    """

    method: str
    items: int
    runs: int
    failed: int
    forwards: float
    checks: float
    ms: float
    metrics: dict[str, Interval]
    gain: Interval | None


def summarise(table: Table[Any], run: Run) -> list[Line]:
    """The figures of each method that was run, in the table's order."""
    methods: list[str] = run.header["methods"]
    rows_of = Counter(row.item for row in run.rows if row.method in methods)
    common = {item for item, count in rows_of.items() if count == max(rows_of.values())}
    found: list[Line] = []
    base: dict[str, float] = {}
    for name in methods:
        rows = [row for row in run.rows if row.method == name and row.item in common]
        if not rows:
            continue
        by_metric = {metric: _by_item(rows, metric) for metric in table.metrics}
        first = by_metric[table.metrics[0]]
        gains = [value - base[item] for item, value in first.items() if item in base]
        found.append(
            Line(
                method=name,
                items=len({row.item for row in rows}),
                runs=len(rows),
                failed=sum(bool(row.failed) for row in rows),
                forwards=_mean([row.forwards for row in rows]),
                checks=_mean([row.checks for row in rows]),
                ms=median(row.ms for row in rows),
                metrics={m: bootstrap([*values.values()]) for m, values in by_metric.items()},
                gain=bootstrap(gains) if gains else None,
            )
        )
        base = base or first
    return found


def markdown(table: Table[Any], run: Run) -> str:
    """The table as a Markdown section."""
    lines = summarise(table, run)
    names = [
        "method",
        "forwards",
        "checks",
        *table.metrics,
        f"{table.metrics[0]}, gain",
        "none",
        "ms",
    ]
    model = run.header["model"]
    items = max((line.items for line in lines), default=0)
    facts = (
        f"Model {model['name']} ({model['digest'][:12]}); seed {run.header['seed']}; "
        f"{items} of {run.header['items']} items; {run.header['seeds']} seeds for each method "
        "that draws. Means with 95 % bootstrap intervals over items; gain: against the first row, "
        "item by item; none: runs without a fill; ms: median of processor time."
    )
    rows = (names, ["---"] * len(names), *map(_cells, lines))
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    note = f"{table.note}\n\n" if table.note else ""
    return f"## {table.title}\n\n{facts}\n\n{note}{body}\n"


def plot(table: Table[Any], run: Run, path: Path) -> None:
    """Forwards against each plotted metric, with intervals, as a PNG.

    Raises OptionError where matplotlib is not installed.
    """
    try:
        # 0.5 s, and no part of an install: nothing may take it to be there
        import_module("matplotlib").use("Agg")
        plt: Any = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise OptionError(
            "plots need matplotlib", hint="pip install --group quality, or --no-plots"
        ) from error
    lines = summarise(table, run)
    legend = 0.19 * (len(lines) + 1) / 2 + 0.2  # inches, two methods a line
    size = 4.2 * len(table.plotted), 3.2 + legend
    figure, axes = plt.subplots(1, len(table.plotted), figsize=size, squeeze=False)
    colors = plt.get_cmap("tab20").colors  # more than the ten that plots have by default
    for axis, metric in zip(axes[0], table.plotted, strict=True):
        for line, color in zip(lines, cycle(colors)):
            found = line.metrics[metric]
            spread = [[found.mean - found.low], [found.high - found.mean]]
            axis.errorbar(
                line.forwards,
                found.mean,
                yerr=spread,
                fmt="o",
                capsize=3,
                color=color,
                label=line.method,
            )
        axis.set_xlabel("forwards per item")
        axis.set_title(metric)
        axis.grid(visible=True, alpha=0.3)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.suptitle(table.title)
    figure.legend(handles, labels, loc="lower center", ncols=2, fontsize="small")
    figure.tight_layout(rect=(0, legend / size[1], 1, 1))
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _by_item(rows: Sequence[Row], metric: str) -> dict[str, float]:
    """The mean over an item's seeds; items that the metric says nothing of are left out."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if metric in row.metrics:
            values.setdefault(row.item, []).append(row.metrics[metric])
    return {item: _mean(found) for item, found in values.items()}


def _cells(line: Line) -> list[str]:
    return list(_written(line))


def _written(line: Line) -> Iterator[str]:
    yield line.method
    yield f"{line.forwards:.1f}"
    yield f"{line.checks:.1f}"
    for found in line.metrics.values():
        yield f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
    gain = line.gain
    yield f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]" if gain else "-"
    yield f"{line.failed} of {line.runs}"
    yield f"{line.ms:.0f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
