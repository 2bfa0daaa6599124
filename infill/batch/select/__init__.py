"""Which places in a text: by a tree-sitter query, an ast-grep pattern, a name, or lines.

`selecting` tells them apart; `queries`, `patterns`, `definitions` and `positions` find them.
`docstrings` makes places where there are none.
"""

from __future__ import annotations

from infill.batch.select.docstrings import Prepared, missing_docstrings
from infill.batch.select.selecting import Selection, Selector, selector

__all__ = ["Prepared", "Selection", "Selector", "missing_docstrings", "selector"]
