import numpy as np
import pytest

from infill.models.tiny import TinyConfig, TinyTransformer
from infill.train.baselines import NGram, next_lines
from infill.train.evaluate import (
    Effort,
    Side,
    evaluate,
    judge,
    line_tasks,
    similarity,
    statement_lines,
)

SOURCE = '''def f(x):
    """Say nothing."""
    total = x + 1
    if total > 2:
        return total
    return (total +
            1)

value = f(3)
'''


def test_statement_lines_are_whole_statements_inside_functions():
    assert statement_lines(SOURCE) == [2, 3, 4]


def test_a_task_is_a_line_between_what_stands_around_it(files, codec):
    tasks = line_tasks(files, codec, per_project=20, context=64, seed=0)
    assert len(tasks) == 20
    for task in tasks:
        text = task.left + task.line + task.right
        assert text in {file.text for file in files}
        assert codec.decode(task.ids) == task.line
        assert task.left.endswith(codec.decode(task.before))
        assert task.right.startswith(codec.decode(task.after))
        assert len(task.before) + len(task.ids) + len(task.after) <= 64


def test_a_filler_that_knows_the_answer_is_judged_perfect(files, codec):
    tasks = line_tasks(files, codec, per_project=9, context=64, seed=0)
    verdict = judge(tasks, lambda task: task.line)
    assert verdict == {"exact_match": 1.0, "edit_similarity": 1.0, "parses": 1.0}
    assert judge(tasks, lambda _: ")")["parses"] == 0.0


@pytest.mark.parametrize(
    ("left", "right", "expected"), [("", "", 1.0), ("abc", "", 0.0), ("kitten", "sitting", 4 / 7)]
)
def test_similarity_is_levenshteins(left, right, expected):
    assert similarity(left, right) == pytest.approx(expected)


def test_an_ngram_backs_off_to_what_it_has_seen():
    ids = np.array([40, 41, 42, 40, 41, 42, 40, 41, 43, 41], dtype=np.uint16)
    model = NGram.learn(ids, np.zeros(64, dtype=bool))
    assert model.next([40, 41]) == 42
    assert model.next([50, 41]) == 42
    assert model.next([50, 51]) == 41
    assert model.fill([42, 40], 2) == [41, 42]


def test_an_ngram_never_says_what_is_barred():
    ids = np.array([40, 41, 40, 41, 40, 42], dtype=np.uint16)
    barred = np.zeros(64, dtype=bool)
    barred[41] = True
    assert NGram.learn(ids, barred).next([40]) == 42


def test_the_look_up_knows_the_most_frequent_next_line():
    found = next_lines(["a\n  b\na\n\nb\na\nc\n"], ["a", "z"])
    assert found == {"a": "b", "": "a"}


def test_an_evaluation_says_everything_it_promises(files, stream, codec):
    model = TinyTransformer(TinyConfig(vocab=1024, width=32, layers=1, heads=2, ff=32, context=64))
    side = Side(stream, files)
    figures = evaluate(model, codec, side, side, Effort(windows=2, per_project=3))
    assert set(figures["heldout"]) == {"0.15", "0.5", "0.85"}
    assert (figures["lines"], figures["projects"]) == (3, 1)
    assert 0.0 <= figures["suspicion_auc"] <= 1.0
    assert list(figures["infill"]) == [
        "model, oracle length", "model, searched length",
        "5-gram, oracle length", "most frequent next line",
    ]  # fmt: skip
