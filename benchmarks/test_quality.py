"""The quality bench from end to end: `infill bench quality`, on the fewest items.

The figures themselves are in `benchmarks/quality/`; here it is that they come out at all.
"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from infill.bench.run import read
from infill.cli import main

PNG = b"\x89PNG\r\n\x1a\n"
CHEAP = {
    "single-line": ("greedy, 4 a step", "copy model, of the answer"),
    "mutate-and-fix": ("greedy, visible confidence", "copy model"),
    "rename": ("symbolic rename, no model", "nothing (copy)"),
}


@pytest.mark.parametrize("table", CHEAP)
def test_a_table_and_its_plot_come_out(tmp_path, table):
    options = [word for name in CHEAP[table] for word in ("--method", name)]
    asked = ["bench", "quality", table, "--items", "3", "--seed", "7", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, [*asked, *options])
    assert done.exit_code == 0, done.output
    assert "seed 7" in done.stderr
    page = (tmp_path / f"{table}.md").read_text()
    assert page in done.stdout
    assert all(f"| {name} |" in page for name in CHEAP[table])
    assert (tmp_path / f"{table}.png").read_bytes().startswith(PNG)
    assert len(read(tmp_path / f"{table}.jsonl").rows) == 3 * 2
