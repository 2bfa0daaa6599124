"""Which files of repositories the user trusts: each as it was, to the byte.

What is trusted is the text of the file. A script or a folder that it names can change without it.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     state, file = Path(folder, "state"), Path(folder, "infill.toml")
...     trust(file, b"model = 'mine'", state)
...     is_trusted(file, b"model = 'mine'", state), is_trusted(file, b"model = 'evil'", state)
(True, False)
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from pathlib import Path

from infill.errors import WriteError


def is_trusted(path: Path, data: bytes, state: Path) -> bool:
    """Whether the file was trusted with these bytes. What cannot be read is not trusted."""
    with suppress(OSError, ValueError, RuntimeError):
        return json.loads(_entry(path, state).read_bytes()) == _said(path, data)
    return False


def trust(path: Path, data: bytes, state: Path) -> None:
    """Trust the file with these bytes. Raises WriteError where that cannot be kept."""
    entry = _entry(path, state)
    temporary = entry.with_name(f"{entry.name}.{secrets.token_hex(4)}.tmp")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_text(json.dumps(_said(path, data)), encoding="utf-8")
        temporary.replace(entry)
    except OSError as error:
        raise WriteError(
            "the trust could not be kept",
            where=str(entry),
            got=error.strerror or str(error),
            hint="let INFILL_STATE name a folder that can be written to",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def untrust(path: Path, state: Path) -> bool:
    """Trust the file no more; returns whether it was. Raises WriteError."""
    entry = _entry(path, state)
    try:
        entry.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise WriteError(
            "the file is still trusted: this could not be removed",
            where=str(entry),
            got=error.strerror or str(error),
        ) from error
    return True


def _said(path: Path, data: bytes) -> dict[str, str]:
    return {"path": _real(path), "sha256": hashlib.sha256(data).hexdigest()}


def _entry(path: Path, state: Path) -> Path:
    name = hashlib.sha256(_real(path).encode("utf-8", "surrogateescape")).hexdigest()
    return state / "trusted" / f"{name}.json"


def _real(path: Path) -> str:
    return str(path.resolve())
