"""The quality bench: its items, its measures, and controls that must come out at chance."""

from __future__ import annotations

import dataclasses
import json
import sys
from functools import cache
from importlib import import_module
from itertools import islice

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.bench import fixers, gaps, humaneval, methods, mutate, rename, renamers, sandbox
from infill.bench.controls import reciting, uniform
from infill.bench.fixers import Fixing, doubts
from infill.bench.metrics import bootstrap, chance, changed, parses, pieces, similarity
from infill.bench.outcome import Method, Outcome
from infill.bench.programs import BROKEN, faults, programs, put
from infill.bench.report import markdown, plot, summarise
from infill.bench.run import Plan, read, run
from infill.bench.sources import Module, heldout
from infill.bench.tables import TABLES, Table
from infill.cli import main
from infill.errors import InputError, OptionError
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, even, favour

PROJECTS = ("lark", "sortedcontainers")  # what any install of the tests brings
SMALL = 20_000  # characters of a module; finding the lines of a large one takes seconds
texts = st.text(alphabet="abc =()\n\t'\"#", max_size=30)
bits = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@cache
def modules() -> tuple[Module, ...]:
    return tuple(module for module in heldout(PROJECTS) if len(module.text) < SMALL)


@cache
def mutants(count: int = 120, seed: int = 11) -> tuple[mutate.Mutant, ...]:
    return tuple(mutate.draw(modules(), count, np.random.default_rng(seed)))


def byte_model(script=None):
    vocab = byte_vocab()
    return Scripted(vocab, script or even(vocab))


# measures


@given(bits, st.integers(0, 9))
def test_an_interval_holds_its_mean(values, seed):
    found = bootstrap(values, seed=seed)
    assert np.isclose(np.mean(values), found.mean)
    assert min(values) - 1e-9 <= found.low <= found.mean <= found.high <= max(values) + 1e-9


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    drawn = [bootstrap((rng.random(60) < 0.4).astype(float), seed=i) for i in range(200)]
    assert 0.88 <= np.mean([found.low <= 0.4 <= found.high for found in drawn]) <= 0.99


def test_more_items_make_a_narrower_interval():
    few, many = (bootstrap([0.0, 1.0] * half) for half in (10, 1000))
    assert many.high - many.low < (few.high - few.low) / 5


@given(texts, texts)
def test_similarity_is_symmetric_and_one_for_equal_texts_alone(left, right):
    assert similarity(left, right) == similarity(right, left)
    assert 0 <= similarity(left, right) <= 1
    assert (left == right) == (similarity(left, right) == 1)


@given(texts)
def test_pieces_are_all_of_a_text_but_its_white_space(text):
    assert "".join("".join(p.text for p in pieces(text)).split()) == "".join(text.split())
    assert all(text[piece.start : piece.stop] == piece.text for piece in pieces(text))
    assert (frozenset(), 0) == changed(text, text)


@given(texts, texts)
def test_changes_are_as_few_as_can_be(before, after):
    gone, added = changed(before, after)
    old, new = (len(pieces(text)) for text in (before, after))
    assert abs(old - new) <= len(gone) + added <= max(old, new)


@given(st.lists(st.sampled_from(["a", "b", "c", "=", "("]), min_size=1, max_size=12), st.data())
def test_a_replaced_piece_is_the_one_that_changed(row, data):
    at = data.draw(st.integers(0, len(row) - 1))
    after = " ".join(["zz" if i == at else word for i, word in enumerate(row)])
    assert (frozenset([at]), 0) == changed(" ".join(row), after)


def test_what_was_put_in_counts_as_well():
    assert (frozenset(), 2) == changed("a = b", "a = b + c")
    assert (frozenset({1, 2}), 0) == changed("a = b", "a")


def test_chance_is_that_of_drawing():
    assert np.isclose(chance(10, {3}, 1), 0.1)
    assert 1 == chance(2, {0}, 3)
    assert np.isclose(chance(10, {1, 2}, 3), 1 - (8 / 10) * (7 / 9) * (6 / 8))


# HumanEval-Infilling


def test_there_are_as_many_tasks_as_published():
    single, multi = humaneval.tasks(multi=False), humaneval.tasks(multi=True)
    assert (1_033, 5_815) == (len(single), len(multi))
    assert len({gap.id for gap in multi}) == 5_815
    assert {gap.id for gap in single} <= {gap.id for gap in multi}


def test_every_task_is_a_cut_of_its_problem_at_line_ends():
    whole = {p.name: p.prompt + p.solution for p in humaneval.problems()}
    for gap in humaneval.tasks(multi=True):
        name, _, _ = gap.id.rpartition("/")
        assert whole[name] == gap.gold
        assert gap.answer.strip()
        assert gap.text[gap.at - 1] == "\n"
        assert gap.text[gap.at :][:1] in {"", "\n"}


def test_another_humaneval_is_refused(monkeypatch):
    some = humaneval.problems()[:-1]
    monkeypatch.setattr(humaneval, "problems", lambda: some)
    with pytest.raises(InputError, match="not the HumanEval"):
        humaneval.tasks(multi=False)


def test_the_right_line_passes_and_another_does_not():
    gap = next(g for g in humaneval.tasks(multi=False) if "return" in g.answer)
    indent = gap.answer[: len(gap.answer) - len(gap.answer.lstrip())]
    assert sandbox.passes(f"{gap.gold}\n{gap.tests}")
    assert not sandbox.passes(f"{gap.filled(f'{indent}return None')}\n{gap.tests}")


# gaps in held-out code


@pytest.mark.parametrize("lines", [1, 2])
def test_gaps_are_whole_lines_cut_out_of_programs(lines):
    found = gaps.draw(modules(), 40, np.random.default_rng(4), lines=lines)
    assert 40 == len({gap.id for gap in found})
    for gap in found:
        assert parses(gap.gold)
        assert gap.gold == gap.text[: gap.at] + gap.answer + gap.text[gap.at :]
        assert not gap.text[: gap.at].rpartition("\n")[2].strip()
        assert "\n" == gap.text[gap.at]
        count = gap.answer.count("\n") + 1
        assert count == 1 if lines == 1 else 2 <= count <= 4


def test_gaps_follow_from_the_seed_alone():
    first, again, other = (
        gaps.draw(modules(), 10, np.random.default_rng(seed), lines=1) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_answer_is_judged_right_and_a_failure_wrong():
    gap = gaps.draw(modules(), 1, np.random.default_rng(4), lines=1)[0]
    right = gaps.judge(gap, Outcome(text=gap.gold, fills=(gap.answer + " ",)))
    assert {"exact": 1, "similarity": 1, "parses": 1, "valid": 1} == right
    failed = gaps.judge(gap, Outcome(text=gap.gold, fills=(gap.answer,), failed="no fill"))
    assert 0 == failed["exact"] == failed["parses"]


def test_a_name_is_valid_where_the_module_or_the_text_binds_it():
    for gap in gaps.draw(modules(), 20, np.random.default_rng(4), lines=1):
        assert 0 == faults(gap.gold, gap.free)
    gap = gaps.Gap(id="a", text="def f(a):\n    \n", at=14, answer="a", free=frozenset({"b"}))
    for name, valid in (("a", 1), ("b", 1), ("c", 0)):
        assert valid == gaps.judge(gap, Outcome(text=gap.filled(name), fills=(name,)))["valid"]


def test_projects_that_were_trained_on_are_no_source():
    with pytest.raises(InputError, match="held-out project is not installed"):
        heldout(["click"])


# mutants


def test_a_mutant_differs_in_its_corrupted_pieces_alone_and_fails_the_checker():
    for mutant in mutants():
        before, after = ([p.text for p in pieces(t)] for t in (mutant.gold, mutant.text))
        differing = {
            i for i, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
        }
        assert mutant.wrong == differing
        assert 0 == faults(mutant.gold, mutant.free)
        assert bool(mutant.wrong) == bool(faults(mutant.text, mutant.free))


def test_each_corruption_alone_fails_the_checker():
    for mutant in mutants():
        row = [piece.text for piece in pieces(mutant.text)]
        for at in mutant.wrong:
            assert faults(put(mutant.gold, {at: row[at]}), mutant.free)


def test_three_of_ten_mutants_are_untouched_and_the_others_have_one_to_three():
    counts = [len(mutant.wrong) for mutant in mutants()]
    assert 120 == len(counts)
    assert 36 == counts.count(0)
    assert 3 == counts[:10].count(0)
    assert min(counts.count(wrong) for wrong in (1, 2, 3)) >= 15  # of 84, 28 each expected
    assert {0, 1, 2, 3} == set(counts)


def test_there_are_as_many_mutants_as_a_table_asks_for():
    found = mutate.draw(heldout(PROJECTS), 200, np.random.default_rng(3))
    assert 200 == len({mutant.id for mutant in found})


def test_the_names_are_drawn_and_come_from_no_source():
    taken = {piece.text for module in modules() for piece in pieces(module.text)}
    drawn = list(islice(programs(modules(), np.random.default_rng(1)), 30))
    names = {name for program in drawn for name in program.locals}
    assert len(names & taken) <= len(names) // 20
    again = next(programs(modules(), np.random.default_rng(1)))
    assert again == drawn[0]


def test_a_name_that_is_not_bound_and_a_text_that_does_not_parse_are_faults():
    assert 0 == faults("def f(a):\n    return len(a) + b\n", frozenset({"b"}))
    assert 1 == faults("def f(a):\n    return len(a) + b\n", frozenset())
    assert BROKEN == faults("def f(a:\n", frozenset())


def test_collateral_change_is_what_was_right_and_is_not_there():
    mutant = next(m for m in mutants() if len(m.wrong) == 1)
    (at,) = mutant.wrong
    perfect = mutate.judge(mutant, Outcome(text=mutant.gold, suspects=(at,)))
    assert (1, 1, 1, 0) == tuple(perfect[k] for k in ("top1", "top3", "repair", "collateral"))
    spoilt = put(mutant.gold, {(at + 5) % len(pieces(mutant.gold)): "zz"})
    poor = mutate.judge(mutant, Outcome(text=spoilt, suspects=(0, 1, 2, at)))
    assert 0 == poor["repair"]
    assert np.isclose(poor["collateral"], 1 / (len(pieces(mutant.gold)) - 1))


# controls


def test_a_uniform_model_finds_corruptions_as_often_as_chance():
    model = byte_model()
    wrong = [mutant for mutant in mutants() if mutant.wrong][:50]
    hits, lucky = list[float](), list[float]()
    for index, mutant in enumerate(wrong):
        gaps_ = doubts(model, mutant.text, parts=4)
        assert not gaps_.any()
        row = mutate.judge(mutant, fixers.by_uniform(model, mutant, index))
        hits.append(row["top1"])
        lucky.append(row["chance"])
        assert 0 == row["repair"]
    spread = np.sqrt(np.mean(lucky) / len(wrong))
    assert abs(np.mean(hits) - np.mean(lucky)) < 4 * spread


def test_the_test_of_chance_can_fail():
    mutant = next(m for m in mutants() if m.wrong and len(m.text) == len(m.gold))
    knowing = reciting(byte_model(), mutant.gold)
    assert int(np.argmax(doubts(knowing, mutant.text, parts=4))) in mutant.wrong


@pytest.mark.parametrize("checked", [False, True])
def test_a_copy_model_is_never_led_to_an_edit(checked):
    for mutant in mutants()[:12]:
        model = reciting(byte_model(), mutant.text)
        done = Fixing(checked=checked)(model, mutant, 0)
        assert mutant.text == done.text
        assert not doubts(model, mutant.text, parts=4).any()


def test_a_model_that_knows_the_answer_fills_it_in_and_one_that_knows_nothing_does_not():
    model = byte_model()
    for gap in gaps.draw(modules(), 6, np.random.default_rng(8), lines=1):
        fill = methods.greedy(1, free=True)
        told = dataclasses.replace(model, script=favour(model.vocab, gap.answer.encode()))
        assert 1 == gaps.judge(gap, fill(told, gap, 0))["exact"]
        assert 0 == gaps.judge(gap, fill(uniform(model), gap, 0))["exact"]


@pytest.mark.parametrize("checked", [False, True])
def test_a_model_that_knows_the_original_mends_a_mutant_and_nothing_else(checked):
    mutant = next(m for m in mutants() if len(m.wrong) == 1 and len(m.text) == len(m.gold))
    knowing = reciting(byte_model(), mutant.gold)
    row = mutate.judge(mutant, Fixing(checked=checked)(knowing, mutant, 0))
    assert (1, 1, 1, 0) == tuple(row[k] for k in ("top1", "repair", "valid", "collateral"))


# methods


def test_without_a_grammar_what_does_not_parse_stands_and_is_reported():
    gap = gaps.Gap(id="a", text="x = \n", at=4, answer=")(")
    told = byte_model(favour(byte_vocab(), b")("))
    free, held = (methods.greedy(1, free=free)(told, gap, 0) for free in (True, False))
    assert ("x = )(\n", "") == (free.text, free.failed)
    assert {"exact": 1, "similarity": 1, "parses": 0, "valid": 0} == gaps.judge(gap, free)
    assert held.failed or parses(held.text)


def test_a_gap_that_begins_a_line_is_filled_with_its_indentation():
    gap = gaps.Gap(id="a", text="if x:\n\ny = 1\n", at=6, answer="  z = 2")
    knowing = byte_model(favour(byte_vocab(), b"\n  z = 2"))
    done = methods.greedy(1, free=True)(knowing, gap, 0)
    assert (gap.gold, (gap.answer,), "") == (done.text, done.fills, done.failed)


def test_a_fill_that_joins_the_line_above_is_none():
    gap = gaps.Gap(id="a", text="x = 1\n\n", at=6, answer="y = 2")
    joined = byte_model(favour(byte_vocab(), b"567890"))
    done = methods.greedy(1, free=True)(joined, gap, 0)
    assert ("x = 1567890\n", ("",)) == (done.text, done.fills)
    assert 0 == gaps.judge(gap, done)["exact"]


def test_tokens_a_step_are_as_many_as_they_say_and_cost_as_little():
    gap = gaps.Gap(id="a", text="x = \n", at=4, answer="12345678")
    for tokens in (1, 2, 4):
        counted = Counted(byte_model(favour(byte_vocab(), gap.answer.encode())))
        methods.greedy(tokens, free=True)(counted, gap, 0)
        assert 8 // tokens == counted.forwards


def test_four_draws_at_four_tokens_cost_what_one_at_one_does():
    gap = gaps.Gap(id="a", text="x = \n", at=4, answer="1234567890123456")
    costs = []
    for method in (methods.greedy(1), methods.best_of(4, 4)):
        counted = Counted(byte_model(favour(byte_vocab(), gap.answer.encode(), sure=30.0)))
        dataclasses.replace(method, free=True)(counted, gap, 0)
        costs.append(counted.forwards)
    assert [16, 4 * 4] == costs


def test_a_method_that_draws_follows_its_seed():
    gap = gaps.Gap(id="a", text="x = \n", at=4, answer="12345678")
    digits = torch.tensor([10.0 * (48 <= token < 58) for token in range(259)])
    model = byte_model(lambda canvas: digits.expand(len(canvas), 259).clone())
    drawing = dataclasses.replace(methods.best_of(2, 2), free=True)
    first, again, other = (drawing(model, gap, seed).fills for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_draws_end_with_the_first_that_the_checker_finds_no_fault_with():
    gap = gaps.Gap(id="a", text="x = \n", at=4, answer="12345678")
    digits = torch.tensor([10.0 * (48 <= token < 58) for token in range(259)])
    letters = torch.tensor([10.0 * (97 <= token < 123) for token in range(259)])
    forwards = []
    for rows in (digits, letters):
        model = byte_model(lambda canvas, rows=rows: rows.expand(len(canvas), 259).clone())
        counted = Counted(model)
        done = dataclasses.replace(methods.checked(3, 8), free=True)(counted, gap, 0)
        forwards.append((counted.forwards, done.checks))
    assert [(1, 1), (3, 3)] == forwards


def test_a_fill_that_is_mended_changes_in_the_gap_alone_and_only_where_it_is_at_fault():
    gap = gaps.Gap(id="a", text="long = 1\ny = \n", at=13, answer="long")
    for first, mended in ((b"lnog", "long"), (b"long", "long"), (b"'ab'", "'ab'")):
        model = byte_model(favour(byte_vocab(), first))
        done = methods.Mended(methods.greedy(1, free=True))(model, gap, 0)
        assert (mended,) == done.fills
        assert gap.filled(mended) == done.text
        assert done.checks >= 1


# renames


def test_a_rename_has_one_right_answer_and_symbolic_renaming_gives_it():
    found = rename.draw(modules(), 30, np.random.default_rng(2))
    assert 30 == len(found)
    for item in found:
        assert parses(item.gold)
        assert item.old not in {piece.text for piece in pieces(item.gold)}
        assert 1 == [piece.text for piece in pieces(item.text)].count(item.new)
        done = rename.judge(item, renamers.symbolic(byte_model(), item, 0))
        assert {"exact": 1, "followed": 1, "kept": 1} == done
        assert 0 == rename.judge(item, renamers.nothing(byte_model(), item, 0))["exact"]


# runs and reports


def table(judge=None) -> Table[gaps.Gap]:
    def items(count, rng):
        return [
            gaps.Gap(id=f"i{n}", text="\n", at=0, answer=str(rng.integers(9))) for n in range(count)
        ]

    def answer(denoiser, gap, seed):
        del denoiser
        return Outcome(text=gap.gold, fills=(gap.answer if seed % 2 else "wrong",))

    return dataclasses.replace(
        TABLES["single-line"],
        draw=items,
        methods=(Method("first", answer), Method("second", answer, draws=True)),
        judge=judge or gaps.judge,
    )


def test_a_run_that_was_cut_off_goes_on_and_comes_out_the_same(tmp_path):
    model, plan = byte_model(), Plan(seed=1, items=5, seeds=3)
    whole = run(table(), plan, model, tmp_path / "whole.jsonl")
    assert 5 * (1 + 3) == len(whole.rows)
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_text("".join(lines[:7]) + lines[7][:20])
    again = run(table(), plan, model, cut)
    strip = [dataclasses.replace(row, ms=0) for row in again.rows]
    assert [dataclasses.replace(row, ms=0) for row in whole.rows] == strip
    assert again == read(cut)


def test_a_run_ends_in_time_and_its_table_has_whole_items_only(tmp_path):
    ended = run(table(), Plan(seed=1, items=5), byte_model(), tmp_path / "a.jsonl", seconds=-1)
    assert () == ended.rows
    assert "0 of 5 items" in markdown(table(), ended)
    whole = run(table(), Plan(seed=1, items=5), byte_model(), tmp_path / "b.jsonl")
    fewer = dataclasses.replace(whole, rows=whole.rows[:6])  # the second item lacks a method
    assert [1, 1] == [line.items for line in summarise(table(), fewer)]


def test_a_run_goes_on_with_more_items_seeds_and_methods(tmp_path):
    model, path = byte_model(), tmp_path / "a.jsonl"
    run(table().only(["second"]), Plan(seed=1, items=2, seeds=1), model, path)
    grown = run(table(), Plan(seed=1, items=4, seeds=3), model, path)
    fresh = run(table(), Plan(seed=1, items=4, seeds=3), model, tmp_path / "b.jsonl")
    assert grown.header == fresh.header
    assert 4 * (1 + 3) == len(grown.rows)
    assert {row.key for row in fresh.rows} == {row.key for row in grown.rows}
    fewer = run(table().only(["first"]), Plan(seed=1, items=1), model, path)
    assert grown.rows == fewer.rows
    assert ["first"] == [line.method for line in summarise(table(), fewer)]


@pytest.mark.parametrize("lines", [1, 2])
def test_more_items_begin_with_the_same(lines):
    few, many = (
        gaps.draw(modules(), count, np.random.default_rng(6), lines=lines) for count in (4, 9)
    )
    assert few == many[:4]
    assert mutants()[:5] == tuple(mutate.draw(modules(), 5, np.random.default_rng(11)))


def test_the_rows_of_another_run_are_not_gone_on_with(tmp_path):
    path = tmp_path / "a.jsonl"
    run(table(), Plan(seed=1, items=2), byte_model(), path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="another run") as caught:
        run(table(), Plan(seed=2, items=2), byte_model(), path)
    assert "--out" in caught.value.hint
    assert before == path.read_bytes()
    path.write_text("something else\n")
    with pytest.raises(InputError, match="not a run"):
        read(path)


def test_figures_are_means_over_items_with_their_seeds_averaged(tmp_path):
    found = run(table(), Plan(seed=1, items=4, seeds=3), byte_model(), tmp_path / "a.jsonl")
    first, second = summarise(table(), found)
    assert (1, 4, 4) == (first.metrics["exact"].mean, first.items, first.runs)
    assert np.isclose(second.metrics["exact"].mean, 2 / 3)  # seeds 1, 2 and 3: two are odd
    assert 12 == second.runs
    assert second.gain is not None
    assert np.isclose(second.gain.mean, -1 / 3)
    page = markdown(table(), found)
    assert "| second | 0.0 | 0.0 | 0.667 [0.667, 0.667] |" in page


def test_a_plot_is_a_picture_and_without_matplotlib_an_error_says_what_to_install(
    tmp_path, monkeypatch
):
    found = run(table(), Plan(seed=1, items=4), byte_model(), tmp_path / "a.jsonl")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OptionError, match="matplotlib"):
        plot(table(), found, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_every_table_of_the_command_is_there_and_has_its_controls():
    assert set(import_module("infill.cli.bench").NAMES) == set(TABLES)
    for found in TABLES.values():
        names = [method.name for method in found.methods]
        assert len(names) == len(set(names))
        assert any("greedy, 1 a step" in n or "greedy, partition" in n for n in names)
        assert any("best of 4" in name for name in names)
        assert {*found.plotted} <= {*found.metrics}
        with pytest.raises(OptionError, match="has no method"):
            found.only(["nonsense"])


def test_the_command_prints_its_seed_keeps_its_rows_and_goes_on_with_them(tmp_path):
    asked = ["bench", "quality", "single-line", "--items", "1", "--no-plots", "--out"]
    asked += [str(tmp_path), "--method", "greedy, 4 a step"]
    done = CliRunner().invoke(main, [*asked, "--seed", "7"])
    assert 0 == done.exit_code, done.output
    assert "single-line: seed 7" in done.stderr
    page = (tmp_path / "single-line.md").read_text()
    assert page in done.stdout
    assert "| greedy, 4 a step |" in page
    again = CliRunner().invoke(main, asked)
    assert done.stdout == again.stdout  # its times too: nothing was run anew
    refused = CliRunner().invoke(main, [*asked, "--seed", "8"])
    assert 2 == refused.exit_code
    assert "rows of another run" in refused.stderr


def test_rows_are_plain_json(tmp_path):
    run(table(), Plan(seed=1, items=1), byte_model(), tmp_path / "a.jsonl")
    header, *rows = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    about = {"schema", "table", "model", "beside", "methods", "seed", "items", "seeds"}
    assert about == set(header)
    assert {"i0"} == {row["item"] for row in rows}


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_any_seed_draws_mutants_that_hold_the_law(seed):
    for mutant in mutate.draw(modules()[:3], 3, np.random.default_rng(seed)):
        assert (mutant.text == mutant.gold) == (not mutant.wrong)
        assert bool(mutant.wrong) == bool(faults(mutant.text, mutant.free))
