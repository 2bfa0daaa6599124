"""Training: the loss falls, and a run that was cut goes on as if it had not been."""

import json
from dataclasses import replace
from itertools import islice

import pytest
import torch

from infill.errors import InputError, TrainingError
from infill.models.tiny import TinyConfig
from infill.train.corrupt import EARLY, FULL
from infill.train.loop import Trainer, Verdicts, Watching, by_minutes, by_steps, rate, train
from infill.train.loss import Objective, row_weights, shares_of
from infill.train.optim import orthogonal
from infill.train.presets import PRESETS, RunConfig

CONFIG = RunConfig(
    model=TinyConfig(vocab=1024, width=64, layers=2, heads=2, ff=128, context=64), tokens=512
)


def test_thirty_steps_on_the_librarys_own_source_lower_the_loss(stream, codec):
    trainer = Trainer(CONFIG, stream, codec)
    losses = [report.loss for report in trainer.run(by_steps(30))]
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 0.5
    assert trainer.step == 30


def test_a_run_that_was_cut_equals_one_that_was_not(stream, codec, tmp_path):
    whole = Trainer(CONFIG, stream, codec)
    expected = [report.loss for report in whole.run(by_steps(8))]
    first = Trainer(CONFIG, stream, codec)
    losses = [report.loss for report in islice(first.run(by_steps(8)), 4)]
    first.save(tmp_path / "c.pt")
    second = Trainer(replace(CONFIG, seed=0), stream, codec)
    second.restore(tmp_path / "c.pt")
    losses += [report.loss for report in second.run(by_steps(8))]
    assert losses == expected
    assert (second.step, second.tokens) == (whole.step, whole.tokens)
    mine, theirs = second.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_batches_that_are_made_ahead_are_the_same(stream, codec):
    losses = [
        [report.loss for report in Trainer(CONFIG, stream, codec, ahead=ahead).run(by_steps(4))]
        for ahead in (False, True)
    ]
    assert losses[0] == losses[1]


def test_a_checkpoint_of_another_model_is_refused(stream, codec, tmp_path):
    Trainer(CONFIG, stream, codec).save(tmp_path / "c.pt")
    other = replace(CONFIG, model=replace(CONFIG.model, layers=1))
    with pytest.raises(InputError, match="another run: its model"):
        Trainer(other, stream, codec).restore(tmp_path / "c.pt")


def test_a_run_leaves_a_log_and_a_checkpoint(stream, codec, tmp_path):
    trainer, saved = Trainer(CONFIG, stream, codec), []
    watching = Watching(every=0.0, on_save=lambda _, at: saved.append(at))
    assert not train(trainer, by_steps(2), tmp_path, watching)
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    assert saved == [0.0, 0.5, 1.0]
    assert [path.name for path in tmp_path.glob("checkpoint*")] == ["checkpoint.pt"]


def test_the_rate_rises_stays_and_falls():
    points = [rate(p, PRESETS["small"]) for p in (0.0, 0.005, 0.01, 0.6, 0.8, 1.0)]
    assert points == pytest.approx([0.0, 0.5, 1.0, 1.0, 0.5, 0.0])


def test_minutes_already_spent_count():
    assert by_minutes(10, spent=4)(0) == pytest.approx(0.4, abs=0.01)


def test_the_loss_is_the_mean_of_cross_entropies_where_rows_are_alike(stream, codec):
    model = Trainer(CONFIG, stream, codec).model
    ids = torch.tensor([[1, 40, 1, 41]])
    targets = torch.tensor([[50, 40, 60, 41]])
    shares = shares_of(torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    logp = model.head(model.hidden(ids)[0]).log_softmax(1)
    expected = -(logp[0, 50] + logp[2, 60]) / 2
    for dense in (False, True):
        found = Objective(model, dense=dense)(ids, targets, shares)
        assert torch.allclose(found, expected, atol=1e-5)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_checkpoint(
    stream, codec, tmp_path
):
    trainer = Trainer(CONFIG, stream, codec)
    train(trainer, by_steps(1), tmp_path)
    kept = (tmp_path / "checkpoint.pt").read_bytes()
    with torch.no_grad():
        trainer.model.embed[40] = float("nan")
    with pytest.raises(TrainingError, match="no number any more, at step 2"):
        train(trainer, by_steps(3), tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == kept
    assert trainer.step == 1


def test_patience_ends_a_run_and_the_best_is_told(stream, codec, tmp_path):
    said, heard = iter([3.0, 2.0, 2.5, 2.5, 2.5]), []
    watching = Watching(
        judge=lambda _model: next(said), often=10, patience=2,
        on_verdict=lambda _model, nats, best: heard.append((nats, best)),
    )  # fmt: skip
    trainer = Trainer(CONFIG, stream, codec)
    assert train(trainer, by_steps(10), tmp_path, watching)
    assert heard == [(3.0, True), (2.0, True), (2.5, False), (2.5, False)]
    assert trainer.step == 3
    assert trainer.verdicts == Verdicts(due=4, best=2.0, worse=2)
    again = Trainer(CONFIG, stream, codec)
    again.restore(tmp_path / "checkpoint.pt")
    assert again.verdicts == trainer.verdicts


def test_the_curriculum_is_short_noise_and_small_steps_for_a_third_of_the_run():
    assert [CONFIG.noise_at(p) for p in (0.0, 0.33, 0.34, 1.0)] == [EARLY, EARLY, FULL, FULL]
    assert [CONFIG.tokens_at(p) for p in (0.0, 0.5)] == [256, 512]
    assert CONFIG.steps_for(5 * 512) == 6


def test_a_row_weighs_as_the_square_root_of_what_it_hides():
    weights = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0]])
    assert row_weights(weights).sum(dim=1).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("shape", [(8, 8), (4, 12), (12, 4)])
def test_newton_schulz_brings_singular_values_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.max() < 1.3
    assert values.median() > 0.6
