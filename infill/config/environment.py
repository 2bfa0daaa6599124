"""Settings from the environment: `INFILL_` and the name, a dot as an underscore.

>>> read({"INFILL_SEED": "7", "INFILL_LSP_LIVE": "off"})
{'seed': 7, 'lsp.live': False}
>>> unknown({"INFILL_SEDE": "7", "INFILL_CACHE": "/tmp"})
{'INFILL_SEDE': 'INFILL_SEED'}
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Any

from infill.config.places import CONFIG, STATE
from infill.config.schema import KEYS
from infill.errors import OptionError

PREFIX = "INFILL_"
OTHERS = ("INFILL_CACHE", CONFIG, "INFILL_REQUIRE_CORE", STATE)
"""Variables that are no settings."""


def variable(name: str) -> str:
    """The variable of a setting."""
    return PREFIX + name.replace(".", "_").upper()


def read(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The settings that the environment says; an empty variable says none. Raises OptionError."""
    found: dict[str, Any] = {}
    for name, key in KEYS.items():
        if not (text := environ.get(variable(name))):
            continue
        value = key.rule.read(text)
        if not key.rule.fits(value):
            raise OptionError(
                f"{name} cannot be this",
                where=f"environment {variable(name)}",
                expected=key.rule.expected,
                got=repr(text),
            )
        found[name] = key.taken(value)
    return found


def unknown(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that look like settings and are none, and for each what may be meant, or ""."""
    known = [*map(variable, KEYS), *OTHERS]
    strange = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    close = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.7) for name in strange}
    return {name: (found or [""])[0] for name, found in close.items()}
