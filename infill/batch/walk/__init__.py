"""Which files a command works on: named ones, folders, globs and lists, less what is left out.

`walker` goes through them, `ignoring` knows ignore files, `naming` reads globs and lists of names.
"""

from __future__ import annotations

from infill.batch.walk.naming import listed
from infill.batch.walk.walker import Options, Walked, lies_in, require_inside, walk

__all__ = ["Options", "Walked", "lies_in", "listed", "require_inside", "walk"]
