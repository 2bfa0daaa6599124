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


def load(name_or_path: str | Path = "embedded") -> Denoiser:
    """The model that ships with the library, or the one in a folder that the trainer exported.

    A model is loaded once per process. Raises ModelError for a name that is neither, and
    WeightsError for files that are missing, damaged or not what was published.
    """
    return _loaded(_folder(name_or_path).resolve())


def digest_of(name_or_path: str | Path = "embedded") -> str:
    """The digest of a model's weights, as its config says it; nothing heavy is imported.

    Raises ModelError as `load` does, and WeightsError where the config cannot be read.
    """
    path = _folder(name_or_path) / "config.json"
    try:
        return str(json.loads(path.read_bytes())["sha256"]["model.safetensors"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            "the config of the model cannot be read", where=str(path), got=repr(error)
        ) from error


def _folder(name_or_path: str | Path) -> Path:
    """The folder of a model. Raises ModelError."""
    folder = NAMES.get(str(name_or_path), Path(name_or_path))
    if not folder.is_dir():
        close = difflib.get_close_matches(str(name_or_path), NAMES, n=1)
        raise ModelError(
            f"there is no model {str(name_or_path)!r}",
            expected=f"{', '.join(NAMES)}, or a folder with model.safetensors in it",
            got=str(name_or_path),
            hint=f"did you mean {close[0]!r}?" if close else "check the path",
        )
    return folder


def use_threads(count: int) -> None:
    """Let models use so many threads of this process at most."""
    import torch  # noqa: PLC0415 - heavy

    torch.set_num_threads(count)


@lru_cache(maxsize=4)
def _loaded(folder: Path) -> Denoiser:
    from infill.models.native import TinyDenoiser  # noqa: PLC0415 - imports torch

    return TinyDenoiser.from_folder(folder)
