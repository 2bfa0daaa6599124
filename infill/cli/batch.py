"""`infill batch`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.changing import begin, changing
from infill.cli.exits import Exit
from infill.cli.options import AROUND, LANGUAGE

OWN = (
    click.argument("jobs_file", metavar="JOBS.jsonl | -", type=click.Path(allow_dash=True)),
    click.option("--marker", default="<FILL_ME>", show_default=True, help="What marks a hole."),
    click.option(
        "--ordered/--unordered",
        default=True,
        show_default=True,
        help="Report in the order of the jobs, or as they are done.",
    ),
    click.option(
        "--engine",
        type=click.Choice(("local", "ray")),
        default="local",
        show_default=True,
        help="Where to work: on this machine, or on a Ray cluster (extra infill-lm[ray]).",
    ),
    click.option(
        "--ray-address", metavar="ADDRESS", help="Of the cluster.  [default: as Ray finds it]"
    ),
)


@changing(
    OWN, LANGUAGE, AROUND, short_help="Do the jobs of a file, each a line of JSON.", form="jsonl"
)
def batch(jobs_file: str, **options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Do the jobs of a file, each a line of JSON, and report each as a line of JSON.

    \b
    A job: {"id": "a", "path": "src/a.py"}
           {"id": "b", "text": "x = <FILL_ME>", "language": "python", "seed": 3}
           {"path": "b.py", "operation": "rewrite", "select": ["::f"], "keep": ["x"]}
           {"path": "c.py", "holes": [{"start": 10, "end": 19, "max_tokens": 8}]}
    Its report: {"id", "path", "status", "holes": [{"start", "stop", "text", "score",
           "alternatives"}], "diff", "error", "before", "after", "ms", "forwards", ...}

    Offsets count bytes of UTF-8. A job may say how to sample (seed, steps, policy, tries,
    max_tokens, ...), but no command to run and no model. All jobs are read before any is done; a
    line that is none ends the run with its number. Files are written with --write alone, and only
    below the current directory.
    """
    return begin("batch", {**options, "paths": (jobs_file,)})
