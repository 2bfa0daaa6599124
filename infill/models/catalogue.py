"""Models by name or folder. Heavy imports happen when a model is really loaded."""

from __future__ import annotations

import difflib
import json
from functools import lru_cache
from pathlib import Path

from infill.errors import ModelError, WeightsError
from infill.models.denoiser import Denoiser

EMBEDDED = Path(__file__).parent.parent / "weights"
NAMES = {"embedded": EMBEDDED}
INT8 = ":int8"
"""What a model's name or folder may end in, to have its matrix products in 8 bits, on the CPU."""


def load(name_or_path: str | Path = "embedded") -> Denoiser:
    """The model that ships with the library, or the one in a folder that the trainer exported.

    With `:int8` at its end, as in "embedded:int8", its matrix products are of whole numbers: nearly
    twice as fast on a CPU, and nearly the same (`benchmarks/LOG.md`); never on a GPU.
    A model is loaded once per process. Raises ModelError for a name that is neither, and
    WeightsError for files that are missing, damaged or not what was published.
    """
    return _loaded(folder_of(name_or_path).resolve(), int8=_in_8_bits(name_or_path))


def digest_of(name_or_path: str | Path = "embedded") -> str:
    """The digest of a model's weights, as its config says it; nothing heavy is imported.

    Raises ModelError as `load` does, and WeightsError where the config cannot be read.
    """
    path = folder_of(name_or_path) / "config.json"
    try:
        digest = str(json.loads(path.read_bytes())["sha256"]["model.safetensors"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            "the config of the model cannot be read", where=str(path), got=repr(error)
        ) from error
    return digest + (INT8 if _in_8_bits(name_or_path) else "")


def _in_8_bits(name_or_path: str | Path) -> bool:
    return str(name_or_path).endswith(INT8)


def folder_of(name_or_path: str | Path) -> Path:
    """The folder of a model, by its name or path, in whatever precision. Raises ModelError."""
    name = str(name_or_path).removesuffix(INT8)
    folder = NAMES.get(name, Path(name))
    if not folder.is_dir():
        close = difflib.get_close_matches(name, NAMES, n=1)
        raise ModelError(
            f"there is no model {name!r}",
            expected=f"{', '.join(NAMES)}, or a folder with model.safetensors in it; {INT8} may "
            "follow",
            got=name,
            hint=f"did you mean {close[0]!r}?" if close else "check the path",
        )
    return folder


def use_threads(count: int) -> None:
    """Let models use so many threads of this process at most."""
    import torch  # noqa: PLC0415 - heavy

    torch.set_num_threads(count)


@lru_cache(maxsize=4)
def _loaded(folder: Path, *, int8: bool) -> Denoiser:
    from infill.models.native import TinyDenoiser  # noqa: PLC0415 - imports torch

    return TinyDenoiser.from_folder(folder, int8=int8)
