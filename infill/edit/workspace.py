"""The texts of a project, and what they say about a hole in one of them.

>>> workspace = Workspace.of({"a.py": "def f(x):\\n    x = int(x)\\n    return x\\n"})
>>> len(workspace), len(workspace.updated("a.py", None))
(1, 0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from infill.edit.retrieval import Lines


@dataclass(frozen=True, eq=False)
class Workspace:
    """The texts of a project by name, as the editor or the walk has them; immutable.

    A text being filled is told apart by its name: the workspace's own under that name is not
    looked at, so it may be older, or hold what the hole should. An empty workspace is none.
    """

    texts: Mapping[str, bytes]

    @classmethod
    def of(cls, texts: Mapping[str, str | bytes]) -> Workspace:
        """A workspace of texts, str or UTF-8."""
        return cls({name: _bytes(text) for name, text in texts.items()})

    def updated(self, name: str, text: str | bytes | None) -> Workspace:
        """With another text under a name, or none; only that text is read anew."""
        rest = {key: data for key, data in self.texts.items() if key != name}
        other = Workspace(rest if text is None else rest | {name: _bytes(text)})
        if "lines" in self.__dict__:  # an index that was built is gone on with
            other.__dict__["lines"] = self.lines.updated(name, _decoded(text))
        return other

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def digest(self) -> str:
        """sha256 over names and texts."""
        found = sha256()
        for name, data in sorted(self.texts.items()):
            for part in (name.encode(errors="surrogateescape"), data):
                found.update(b"%d " % len(part) + part)
        return found.hexdigest()

    @cached_property
    def lines(self) -> Lines:
        """The index of its lines, built at first use: seconds for 5 MB."""
        return Lines.of({name: data.decode(errors="replace") for name, data in self.texts.items()})


def _bytes(text: str | bytes) -> bytes:
    return text.encode(errors="surrogateescape") if isinstance(text, str) else bytes(text)


def _decoded(text: str | bytes | None) -> str | None:
    return None if text is None else _bytes(text).decode(errors="replace")
