"""What a model must beat, and the tables of `infill bench model`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from infill.bench import gaps, methods, sandbox
from infill.bench.baselines import (
    Continued,
    NextLine,
    Training,
    indentation,
    neighbours,
    next_lines,
    retrieved,
    shape,
)
from infill.bench.control import Controlled
from infill.bench.gaps import Gap, statement_lines, workspace
from infill.bench.methods import greedy
from infill.bench.metrics import similarity
from infill.bench.model import Beside, columns, table
from infill.bench.ngram import NGram
from infill.bench.outcome import Outcome
from infill.bench.run import Plan, run
from infill.bench.sources import heldout
from infill.cli import main
from infill.cli.bench import ITEMS
from infill.errors import InputError
from infill.models.scripted import Scripted, byte_vocab, even
from infill.models.tiny import TinyConfig, TinyTransformer
from infill.train.control import Control
from infill.train.corpus import File, write_files
from infill.train.stream import tokenise
from infill.train.tokenizer import Codec, learn

SOURCE = '''def f(x):
    """Say nothing."""
    total = x + 1
    if total > 2:
        return total
    return (total +
            1)

value = f(3)
'''
MODEL = Scripted(byte_vocab(), even(byte_vocab()))
ROOT = Path(gaps.__file__).parents[1]


@pytest.fixture(scope="module")
def training(tmp_path_factory) -> Training:
    """What the trainer makes of a corpus: the library's own files."""
    folder = tmp_path_factory.mktemp("train")
    paths = sorted([*ROOT.glob("*.py"), *ROOT.glob("train/*.py")])
    files = [File("infill", path.name, path.read_text(encoding="utf-8")) for path in paths]
    write_files(files, folder / "train.jsonl")
    codec = Codec(learn((file.text for file in files), size=512))
    (folder / "tokenizer.json").write_text(codec.json, encoding="utf-8")
    tokenise(files, codec).save(folder / "train.npz")
    return Training.of(folder)


def lines(count: int = 30, seed: int = 3) -> list[Gap]:
    own = [m for m in heldout(["lark", "sortedcontainers"]) if len(m.text) < 20_000]
    return gaps.draw(own, count, np.random.default_rng(seed), lines=1)


def test_statement_lines_are_whole_statements_inside_functions():
    assert [2, 3, 4] == statement_lines(SOURCE)


@pytest.mark.parametrize(
    ("left", "right", "expected"), [("", "", 1.0), ("abc", "", 0.0), ("kitten", "sitting", 4 / 7)]
)
def test_similarity_is_levenshteins(left, right, expected):
    assert similarity(left, right) == pytest.approx(expected)


# n-grams and the next line


def test_an_ngram_backs_off_to_what_it_has_seen():
    ids = np.array([40, 41, 42, 40, 41, 42, 40, 41, 43, 41], dtype=np.uint16)
    model = NGram.learn(ids, np.zeros(64, dtype=bool))
    assert 42 == model.next([40, 41])
    assert 42 == model.next([50, 41])
    assert 41 == model.next([50, 51])


def test_an_ngram_never_says_what_is_barred():
    ids = np.array([40, 41, 40, 41, 40, 42], dtype=np.uint16)
    barred = np.zeros(64, dtype=bool)
    barred[41] = True
    assert 42 == NGram.learn(ids, barred).next([40])


def test_the_next_line_is_the_most_frequent_one():
    assert {"a": "b", "b": "a", "": "a"} == next_lines(["a\n  b\na\n\nb\na\n"])


def test_an_ngram_writes_a_line_it_was_trained_on(training):
    before = "from __future__ import annotations\n\nimport "
    gap = Gap(id="a", text=f"{before}\n", at=len(before), answer="numpy as np")
    for oracle in (False, True):
        (fill,) = Continued(training, oracle=oracle)(MODEL, gap, 0).fills
        assert "\n" not in fill
        assert gap.filled(fill) == f"{before}{fill}\n"
        count = len(training.codec.encode(fill))
        assert count == len(training.codec.encode(gap.answer)) if oracle else count <= 24


def test_the_next_line_takes_the_step_in_that_its_place_has_not(training):
    gap = Gap(id="a", text="def f(a):\n\n", at=10, answer="    pass")
    (fill,) = NextLine(training)(MODEL, gap, 0).fills
    assert fill.startswith("    ")
    assert "    " == indentation(gap)
    within = Gap(id="a", text="def f(a):\n    \n", at=14, answer="pass")
    assert not indentation(within)


def test_a_folder_without_a_corpus_is_refused(tmp_path):
    with pytest.raises(InputError, match="no tokenised corpus"):
        Training.of(tmp_path)


# retrieval


def others(gap: Gap) -> str:
    """The file of a gap without the lines of the gap."""
    assert gap.module is not None
    every, (first, stop) = gap.module.text.split("\n"), gap.lines
    assert gap.answer == "\n".join(every[first:stop]).strip()
    return "\n".join(every[:first] + every[stop:])


def test_a_workspace_is_the_project():
    for gap in lines(5):
        assert gap.module is not None
        whole = {m.path: m.text.encode() for m in heldout([gap.module.project])}
        assert whole == workspace(gap).texts
    assert not workspace(Gap(id="a", text="", at=0, answer=""))


def test_a_fill_beside_a_workspace_does_not_know_the_answer(monkeypatch):
    fill = dataclasses.replace(greedy(1), informed=True)
    for gap in lines(4):
        assert gap.module is not None
        known = fill(MODEL, gap, 0)
        assert gap.filled(known.fills[0]) == known.text
        less = workspace(gap).updated(gap.module.path, others(gap))
        monkeypatch.setattr(methods, "workspace", lambda _, less=less: less)
        assert known == fill(MODEL, gap, 0)
        monkeypatch.undo()


def test_the_open_file_has_the_gap_where_its_own_text_lies():
    for gap in lines():
        text, start = gaps.opened(gap)
        assert text[start:].startswith(gap.text)
        at = start + gap.at
        assert gap.module is not None
        assert gap.module.text == text[:at] + gap.answer + text[at:]
    alone = Gap(id="a", text="x = \n", at=4, answer="1")
    assert (alone.text, 0) == gaps.opened(alone)


def test_retrieval_says_lines_of_the_project_that_are_not_the_hidden_one():
    found = 0
    for gap in lines(60):
        done = retrieved(MODEL, gap, 0)
        assert gap.module is not None
        texts = workspace(gap).updated(gap.module.path, others(gap)).texts.values()
        known = {line.strip() for text in texts for line in text.decode().split("\n")}
        if not done.failed:
            assert done.fills[0] in known
            found += done.fills[0] == gap.answer
    assert found


def test_neighbours_are_the_lines_above_and_below():
    gap = Gap(id="a", text="a = 1\n\n    \n\n  b\n", at=11, answer="c")
    assert ("a = 1", "b") == neighbours(gap)
    assert ("", "") == neighbours(Gap(id="a", text="", at=0, answer="c"))


@given(st.text(alphabet="ab_ =().if", max_size=20))
def test_lines_that_differ_in_names_have_one_shape(line):
    renamed = "".join("b" if letter == "a" else letter for letter in line)
    assert shape(line) == shape(renamed)
    assert shape(shape(line)) == shape(line)


# the tables


def test_columns_are_what_there_is(training):
    names = [method.name for method in columns(Beside(), project=True, several=False)]
    assert ["retrieval alone", "model, oracle length"] == names[:2]
    shape_ = TinyConfig(vocab=512, width=32, layers=1, heads=2, ff=32, context=64, causal=True)
    control = Control(TinyTransformer(shape_), training.codec, "c" * 64)
    beside = Beside(training=training, control=control)
    for name in ITEMS:
        found = table(name, beside)
        names = [method.name for method in found.methods]
        assert len(names) == len(set(names))
        if name != "mutate-and-fix":
            assert {"corpus", "control"} == set(dict(found.beside))
            assert any(word.startswith("autoregressive") for word in names)
            assert "model with grammar, unknown length" in names


def test_the_control_is_a_column_whose_forwards_count(training):
    shape_ = TinyConfig(vocab=512, width=32, layers=1, heads=2, ff=32, context=64, causal=True)
    control = Control(TinyTransformer(shape_), training.codec, "c" * 64)
    gap = lines(1)[0]
    for oracle in (False, True):
        filler = Controlled(control, oracle=oracle, most=6, several=False)
        done = filler(MODEL, gap, 0)
        assert done.forwards >= 1
        assert gap.filled(done.fills[0]) == done.text
        if oracle:
            assert len(training.codec.encode(gap.answer)) == done.forwards


def test_a_run_beside_another_corpus_is_not_gone_on_with(tmp_path):
    found = dataclasses.replace(table("single-line", Beside()), draw=lambda _, __: [])
    first, other = (
        dataclasses.replace(found, beside=(("corpus", digest),)) for digest in ("a", "b")
    )
    path = tmp_path / "a.jsonl"
    run(found, Plan(seed=1), MODEL, path)
    run(first, Plan(seed=1), MODEL, path)  # a column more is no other run
    run(found, Plan(seed=1), MODEL, path)
    with pytest.raises(InputError, match="another run"):
        run(other, Plan(seed=1), MODEL, path)


def test_humaneval_is_judged_by_its_tests_in_the_sandbox(monkeypatch):
    asked = []
    monkeypatch.setattr(sandbox, "passes", lambda program: asked.append(program) or True)
    gap = Gap(id="a", text="def f():\n\n", at=9, answer="    return 1", tests="assert f() == 1\n")
    found = table("humaneval-single", Beside())
    none = retrieved(MODEL, gap, 0)
    assert "no project" == none.failed
    assert (0, []) == (found.judge(gap, none)["passes"], asked)  # a fill that is none is not run
    right = Outcome(text=gap.gold, fills=(gap.answer,))
    assert 1 == found.judge(gap, right)["passes"]
    assert asked == [f"{gap.gold}\n{gap.tests}"]


def test_the_command_makes_a_table_and_a_cut_run_goes_on(tmp_path, training):
    asked = ["bench", "model", "single-line", "--limit", "2", "--seed", "7", "--no-plots"]
    asked += ["--corpus", str(training.folder), "--out", str(tmp_path)]
    asked += ["--method", "retrieval alone", "--method", "most frequent next line"]
    done = CliRunner().invoke(main, asked)
    assert 0 == done.exit_code, done.output
    page = (tmp_path / "single-line.md").read_text()
    assert page in done.stdout
    assert all(f"| {name} |" in page for name in ("retrieval alone", "most frequent next line"))
    again = CliRunner().invoke(main, asked)
    assert done.stdout == again.stdout  # its times too: nothing was run anew


def test_without_a_corpus_its_columns_are_left_out(tmp_path):
    asked = ["bench", "model", "single-line", "--limit", "1", "--seed", "7", "--no-plots"]
    asked += ["--corpus", str(tmp_path / "none"), "--out", str(tmp_path)]
    done = CliRunner().invoke(main, [*asked, "--method", "retrieval alone"])
    assert 0 == done.exit_code, done.output
    assert "left out" in done.stderr
    refused = CliRunner().invoke(main, [*asked, "--method", "most frequent next line"])
    assert 2 == refused.exit_code
    assert "has no method" in refused.stderr
