"""Seed faults in copies of real files, let `infill revise` mend them, and count how many it did.

    python examples/repair_mutations.py FOLDER [FILES [PROJECT...]]

Each file is a module of an installed project that the embedded model was not trained on. One to
three brackets, colons or keywords of it are replaced so that it does not parse any more.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from infill.bench.mutate import mutated
from infill.bench.programs import Program
from infill.bench.sources import Module, heldout

LEAST, MOST = 400, 6_000
"""Characters of a file that is taken."""
REVISE = (
    *("revise", "--diagnostics", "--write", "--allow-dirty"),
    *("--verify-cmd", "{python} -m py_compile {path}"),
)


def seeded(modules: list[Module], folder: Path, count: int) -> dict[Path, str]:
    """Write so many files with faults; what each was before, by its path."""
    rng, gold = np.random.default_rng(0), dict[Path, str]()
    chosen = [module for module in modules if LEAST <= len(module.text) <= MOST]
    folder.mkdir(parents=True)
    for at in rng.permutation(len(chosen)).tolist():
        module = chosen[at]
        program = Program(module.path, module.text, locals={}, free=frozenset())
        if len(gold) == count or (mutant := mutated(program, rng, corrupt=True)) is None:
            continue
        path = folder / module.path.replace("/", "__")
        path.write_text(mutant.text, encoding="utf-8")
        gold[path] = mutant.gold
    return gold


def parses(path: Path) -> bool:
    """Whether a file is Python."""
    try:
        compile(path.read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def main() -> None:
    """Seed, revise, count."""
    folder, count, projects = Path(sys.argv[1]), int((*sys.argv[2:3], "24")[0]), sys.argv[3:]
    gold = seeded(heldout(projects), folder, count)
    command = [sys.executable, "-m", "infill", *REVISE, str(folder.resolve())]
    subprocess.run(command, check=False, cwd=folder)  # noqa: S603 - exit code 4: some are left
    whole = sum(map(parses, gold))
    same = sum(path.read_text(encoding="utf-8") == text for path, text in gold.items())
    print(f"of {len(gold)} files {whole} parse again, {same} are as they were before the faults")


if __name__ == "__main__":
    main()
