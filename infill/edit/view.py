"""A text as models know it, and back: "\\n" for line ends, spaces for indentation.

Only what the model reads is changed, and only what it wrote is changed back; the user's bytes
are never rewritten.

>>> view = View.of(Source.of("if x:\\r\\n\\ty = 1\\r\\n"), at=8)
>>> view.show(b"if x:\\r\\n\\ty = 1")
b'if x:\\n    y = 1'
>>> view.restore(b"a\\n    b")
b'a\\r\\n\\tb'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infill.text import Source

TAB = b"    "
LEADING_TABS = re.compile(rb"(?<=\n)\t+")
LEADING_SPACES = re.compile(rb"(?<=\n)(?:    )+")


@dataclass(frozen=True, slots=True)
class View:
    """How lines end and are indented around one place of a text."""

    newline: bytes
    tabs: bool

    @classmethod
    def of(cls, source: Source, at: int) -> View:
        """The view for a hole at byte `at`."""
        return cls(source.newline_at(at), tabs=source.has_tabs)

    def show(self, data: bytes) -> bytes:
        """The user's bytes as a model should read them."""
        data = data.replace(b"\r\n", b"\n")
        return LEADING_TABS.sub(lambda run: TAB * len(run[0]), data) if self.tabs else data

    def restore(self, data: bytes) -> bytes:
        """A model's bytes as the user's file should hold them."""
        if self.tabs:
            data = LEADING_SPACES.sub(lambda run: b"\t" * (len(run[0]) // len(TAB)), data)
        return data.replace(b"\r\n", b"\n").replace(b"\n", self.newline)
