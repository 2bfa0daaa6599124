"""Where settings and state are kept, for one user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from infill.errors import OptionError

NAME = "infill"
CONFIG, STATE = "INFILL_CONFIG", "INFILL_STATE"


def home_of(path: Path | str) -> Path:
    """A path that may begin with "~". Raises OptionError where nobody knows whose home that is."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        hint = "write the folder out"
        raise OptionError("there is no such home", where=str(path), hint=hint) from error


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own settings: `$INFILL_CONFIG`, or where this system keeps such files.

    `/dev/null` stands for none.
    """
    if named := environ.get(CONFIG):
        return home_of(named).absolute()
    import platformdirs  # noqa: PLC0415 - not for `--help`

    return platformdirs.user_config_path(NAME, appauthor=False) / "config.toml"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """What must outlast a run: `$INFILL_STATE`, or where this system keeps state."""
    if named := environ.get(STATE):
        return home_of(named).absolute()
    import platformdirs  # noqa: PLC0415 - not for `--help`

    return platformdirs.user_state_path(NAME, appauthor=False)
