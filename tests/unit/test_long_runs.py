"""What is kept of the texts of a long run: no more than of a short one."""

from __future__ import annotations

from infill.batch.perform import performed
from infill.batch.task import Task
from infill.edit import grammars
from infill.edit.recipe import Recipe
from infill.limits import DEFAULT


def test_the_texts_of_before_are_forgotten_and_results_stay_the_same(embedded, monkeypatch):
    texts = [f"def f{n}(x):\n    y = {n} * x\n    return <FILL_ME>\n".encode() for n in range(6)]
    recipe = Recipe(length="2")
    tasks = [Task(name="a", data=text, language="python", recipe=recipe) for text in texts]
    kept = [performed(task, embedded).edits for task in tasks]

    def lattice():
        return grammars.constraint(python, embedded.vocab, DEFAULT).lattice

    python = grammars.chosen("python", None)
    before, known = lattice(), len(lattice().numbers)
    assert known > len(texts)
    monkeypatch.setattr(grammars, "PIECES", known - 1)
    assert before is not lattice()
    assert lattice() is lattice()
    assert len(lattice().numbers) < known
    monkeypatch.setattr(grammars, "PIECES", 20)  # a lattice for each text, or two
    assert kept == [performed(task, embedded).edits for task in tasks]
    assert len(before.numbers) == known
