"""The text of a file of settings: decoded, parsed, and its names known or told.

>>> list(flat({"seed": 1, "lsp": {"live": True}}, Problem("infill.toml", "", ())))
[('seed', 1), ('lsp.live', True)]
>>> list(flat({"sede": 1}, Problem("infill.toml", "sede = 1", ())))
Traceback (most recent call last):
infill.errors.OptionError: there is no setting 'sede'
  where: infill.toml:1
  got: 1
  try: did you mean 'seed'?
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from infill.config.schema import KEYS, TABLES, suggestion
from infill.errors import OptionError


@dataclass(frozen=True, slots=True)
class Problem:
    """Makes errors that say where in a file they are. `key` is where in the whole of it."""

    file: str
    text: str
    key: tuple[str, ...]

    @property
    def where(self) -> str:
        """The file, and the line of the key where that is known."""
        from infill.config.lines import line_of  # noqa: PLC0415 - tomllib, where there is a file

        line = line_of(self.text, self.key) if self.key else None
        return self.file if line is None else f"{self.file}:{line}"

    def at(self, name: str) -> Problem:
        """The same for a key in it."""
        return Problem(self.file, self.text, (*self.key, name))

    def error(self, what: str, *, expected: str = "", got: str = "", hint: str = "") -> OptionError:
        """The error."""
        return OptionError(what, where=self.where, expected=expected, got=got, hint=hint)


def text_of(data: bytes, name: str) -> str:
    """The text of a file. Raises OptionError for a byte-order mark, and what is not UTF-8."""
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise OptionError(
            "TOML begins with no byte-order mark",
            where=f"{name}:1",
            expected="UTF-8",
            hint="save it without one",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{data[error.start]:02x}"
        raise OptionError(
            "settings are UTF-8", where=f"{name}:{line}", expected="UTF-8", got=got
        ) from error


def parsed(text: str, name: str, table: tuple[str, ...], *, there: bool = True) -> Any:  # noqa: ANN401
    """The table of settings in a TOML text; with `there` an empty one for none, else None.

    Raises OptionError with the line.
    """
    import tomllib  # noqa: PLC0415 - where there is a file

    try:
        found: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        last = text.count("\n") + 1 - text.endswith("\n")
        raise OptionError(
            "this is no TOML", where=f"{name}:{line[1] if line else last}", got=str(error)
        ) from error
    except RecursionError as error:
        raise OptionError("this is nested too deeply", where=name) from error
    for depth, part in enumerate(table, 1):
        found = cast("dict[str, object]", found).get(part)
        if found is None:
            return {} if there else None
        if not isinstance(found, dict):
            problem = Problem(name, text, table[:depth])
            raise problem.error(
                "settings are a table", expected=f"[{'.'.join(table)}]", got=repr(found)
            )
    return found


def flat(table: Mapping[str, Any], problem: Problem, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their whole names. Raises OptionError for what is none."""
    for part, value in table.items():
        name, here = prefix + part, problem.at(part)
        if name in TABLES:
            if not isinstance(value, dict):
                raise here.error(f"{name} is a table", expected=f"[{name}]", got=repr(value))
            yield from flat(cast("dict[str, Any]", value), here, f"{name}.")
        elif name in KEYS and "." not in part:
            yield name, value
        else:
            close = suggestion(name)
            names = [key.removeprefix(prefix) for key in KEYS if key.startswith(prefix)]
            raise here.error(
                f"there is no setting {name!r}",
                expected="" if close else f"one of {', '.join(names)}",
                got=repr(value),
                hint=f"did you mean {close!r}?" if close else "",
            )
