from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from editor import Editor

QUICK = {"notifications": True, "alternatives": 1, "maxTokens": 6, "accept": "ask"}
"""Settings of the shared server: short fills."""


def _clean(editor: Editor) -> None:
    editor.manners, editor.settings = "good", None
    for row in vars(editor.told).values():
        row.clear()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running() -> AsyncIterator[Editor]:
    editor = Editor()
    await editor.begin(options=QUICK)
    await editor.until(lambda: any(one.state == "idle" for one in editor.told.statuses), 120)
    yield editor
    await editor.end()


@pytest_asyncio.fixture(loop_scope="session")
async def editor(running: Editor) -> AsyncIterator[Editor]:
    """An editor with a loaded server; its documents are closed afterwards."""
    _clean(running)
    yield running
    for uri in list(running.documents):
        running.close(uri)
    await running.command("infill.cancel")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return (tmp_path / "a.py").as_uri()
