"""Two processes over Gloo train as one does with the same batches; so do sharded weights."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from infill.errors import OptionError
from infill.models.tiny import TinyConfig
from infill.train.loop import Trainer, by_steps, train
from infill.train.parallel import Team, team
from infill.train.presets import RunConfig
from infill.train.stream import Stream
from infill.train.tokenizer import Codec

SHAPE = TinyConfig(vocab=1024, width=32, layers=2, heads=2, ff=64, context=32)
CONFIG = RunConfig(model=SHAPE, tokens=256)
STEPS = 4


def work(folder: Path, *, fsdp: bool, us: Team) -> list[float]:
    """Half of the steps, a checkpoint, and the rest from it; the weights' sum at the end."""
    codec = Codec((folder / "tokenizer.json").read_text())
    made = [Trainer(CONFIG, Stream.load(folder / "s.npz"), codec, team=us, fsdp=fsdp) for _ in "ab"]
    own = folder / f"{us.size}{fsdp}"
    if us.leads:
        own.mkdir()
    us.agree(0.0)
    train(made[0], by_steps(STEPS // 2), own)
    us.agree(0.0)  # the file is there
    made[1].restore(own / "checkpoint.pt")
    train(made[1], by_steps(STEPS), own)
    weights = made[1].plain().state_dict().values()
    total = sum(weight.double().abs().sum().item() for weight in weights)
    said = [json.loads(line) for line in (own / "log.jsonl").read_text().splitlines()]
    return [*(report["loss"] for report in said), total]


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    with team("cpu") as us:
        found = {str(fsdp): work(folder, fsdp=fsdp, us=us) for fsdp in (False, True)}
        if us.leads:
            (folder / "found.json").write_text(json.dumps(found))


def test_two_processes_train_as_one_does(stream, codec, tmp_path):
    (tmp_path / "tokenizer.json").write_text(codec.json)
    stream.save(tmp_path / "s.npz")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environ = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    running = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, __file__, str(tmp_path)], env=environ | {"RANK": str(rank)}
        )
        for rank in range(2)
    ]
    expected = work(tmp_path, fsdp=False, us=Team())
    assert [0, 0] == [process.wait(120) for process in running]
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(expected) == STEPS + 1
    for losses in found.values():
        assert losses == pytest.approx(expected, rel=1e-5)


def test_without_torchrun_there_is_one_process_and_no_group():
    with team("cpu", {}) as us:
        assert us == Team()
        assert not torch.distributed.is_initialized()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_told():
    with pytest.raises(OptionError, match="no CUDA device"), team("cuda", {}):
        pass


if __name__ == "__main__":
    main()
