"""A scripted model in the place of the embedded one: `answers("x", "y")` fills hole by hole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from click.testing import CliRunner, Result

import infill
from infill.canvas import Canvas
from infill.cli import main
from infill.edit.lengths import NEIGHBOURS
from infill.models.scripted import Scripted, byte_vocab

VOCAB = byte_vocab()


def answering(answers: Sequence[bytes]) -> Scripted:
    """Sure of each hole's answer where the length fits it, and of nothing else."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        logits[:, ord("?")] = 0.5
        for number, (start, stop) in enumerate(canvas.regions()):
            answer = answers[number % len(answers)]
            if 0 <= stop - start - len(answer) <= NEIGHBOURS:
                for at, byte in enumerate(answer, start):
                    logits[at, byte] = 8.0
        return logits

    return Scripted(VOCAB, script)


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path_factory):
    """Where this test's runs are kept, and nobody else's."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("INFILL_STATE", str(folder))
    return folder


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let `infill.load` give a model that answers as told."""

    def told(*texts: str) -> None:
        model = answering([text.encode() for text in texts])
        monkeypatch.setattr(infill, "load", lambda _: model, raising=False)
        digest = model.capabilities.digest
        monkeypatch.setattr("infill.cli.running.digest_of", lambda _: digest)

    return told


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the command line in this process."""

    def invoke(*args: object, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(arg) for arg in args], input=stdin, prog_name="infill")

    return invoke
