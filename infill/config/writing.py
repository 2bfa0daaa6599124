"""One setting in the text of a file of settings, all else as it stands there.

>>> with_setting('# mine\\nseed = 1\\n[lsp]\\nlive = true\\n', "seed", "2", "config.toml")
'# mine\\nseed = 2\\n[lsp]\\nlive = true\\n'
>>> with_setting('seed = 1\\n[lsp]\\nlive = true\\n', "model", '"m"', "config.toml")
'model = "m"\\nseed = 1\\n[lsp]\\nlive = true\\n'
>>> with_setting('seed = 1\\nmodel = "m"\\n', "model", None, "config.toml")
'seed = 1\\n'
"""

from __future__ import annotations

import re

from infill.config.lines import line_of
from infill.config.tables import parsed
from infill.errors import OptionError


def with_setting(text: str, name: str, value: str | None, file: str) -> str:
    """The text with a setting of the top table at a value, as TOML writes it, or without it.

    Raises OptionError for what is no TOML, and where the line to change cannot be told.
    """
    import tomllib  # noqa: PLC0415 - where there is a file

    before = parsed(text, file, ())
    wanted = {key: one for key, one in before.items() if key != name}
    end = "\r\n" if "\r\n" in text else "\n"
    lines = re.split(r"(?<=\n)", text)
    line = "" if value is None else f"{name} = {value}{end}"
    if value is not None:
        wanted[name] = tomllib.loads(line)[name]
    if name not in before:
        lines = [line, *lines]
    elif number := line_of(text, (name,)):
        lines[number - 1] = line
    changed = "".join(lines)
    try:
        if tomllib.loads(changed) == wanted:
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise OptionError(
        f"the line that sets {name} cannot be told", where=file,
        expected=f"{name} = ... on one line", hint="change it by hand; nothing was written",
    )  # fmt: skip
