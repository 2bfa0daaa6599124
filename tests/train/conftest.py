"""A corpus that needs no network: the library's own source."""

from pathlib import Path

import pytest
import torch

from infill.train.corpus import File
from infill.train.stream import Stream, tokenise
from infill.train.tokenizer import Codec, learn

ROOT = Path(__file__).parents[2] / "infill"


@pytest.fixture(scope="session")
def files() -> list[File]:
    paths = sorted([*ROOT.glob("*.py"), *ROOT.glob("train/*.py"), *ROOT.glob("models/*.py")])
    return [File("infill", path.name, path.read_text(encoding="utf-8")) for path in paths]


@pytest.fixture(scope="session")
def codec(files) -> Codec:
    return Codec(learn((file.text for file in files), size=1024))


@pytest.fixture(scope="session")
def stream(files, codec) -> Stream:
    return tokenise(files, codec)


@pytest.fixture(autouse=True)
def threads():
    """Commands set the threads of this process; the next test has those that there were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
