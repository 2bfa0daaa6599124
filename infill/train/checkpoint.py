"""Checkpoints: a state of a run in one file, which is whole and unchanged, or refused.

A line with the sha256 of what follows, then what `torch.save` writes.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     path = Path(folder, "c.pt")
...     write(path, {"step": 3})
...     read(path)
{'step': 3}
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from infill.errors import InputError, WriteError

MAGIC = b"infill checkpoint, sha256 "


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state; the file is the new one or the old one. Raises WriteError."""
    held = io.BytesIO()
    torch.save(dict(state), held)
    data = held.getvalue()
    partial = path.with_suffix(".part")
    try:
        partial.write_bytes(MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        partial.replace(path)
    except OSError as error:
        raise WriteError(
            "the checkpoint cannot be written", where=str(path), got=error.strerror or str(error),
            hint="make room; the checkpoint before it, if any, is as it was",
        ) from error  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """The state in a file, on the CPU. Raises InputError for what is none, or is damaged."""
    try:
        head, _, data = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise InputError(
            "there is no checkpoint to go on from", where=str(path),
            got=error.strerror or str(error), hint="start without --resume",
        ) from error  # fmt: skip
    if not head.startswith(MAGIC):
        raise InputError(
            "this is no checkpoint", where=str(path), expected="one that this version wrote",
            hint="start again without it",
        )  # fmt: skip
    found, expected = hashlib.sha256(data).hexdigest(), head.removeprefix(MAGIC).decode("latin-1")
    try:
        if found == expected:
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise InputError("this is no checkpoint", where=str(path), got=str(error)) from error
    raise InputError(
        "the checkpoint is damaged", where=str(path), expected=f"sha256 {expected}",
        got=f"sha256 {found} ({len(data)} bytes)",
        hint="delete it and start again; the model that was exported is another file",
    )  # fmt: skip


def noted(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The sha256 of files of a run, for its checkpoints. Raises InputError for a missing one."""
    return {name: _digest(folder / name) for name in names}


def require_noted(state: Mapping[str, Any], folder: Path, names: Sequence[str]) -> None:
    """Raise InputError where files of a run are not those that a checkpoint's notes name."""
    expected = state["notes"].get("sha256", {})
    for name, found in noted(folder, names).items():
        if expected.get(name) != found:
            raise InputError(
                "a file of the run is not the one that the checkpoint was made with",
                where=str(folder / name), expected=f"sha256 {expected.get(name)}",
                got=f"sha256 {found}", hint="put it back, or start again elsewhere",
            )  # fmt: skip


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            "a file of the run is missing", where=str(path), got=error.strerror or str(error),
            hint="start again without --resume",
        ) from error  # fmt: skip
