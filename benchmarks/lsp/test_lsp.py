"""The language server: start, inline completion, cancelling, other requests meanwhile, memory.

An editor of the tests talks to it over stdio. Cursors are put into functions of the standard
library, the rest of their line cut away.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from lsprotocol import types

from infill.edit.holes import Hole
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.limits import Limits
from infill.models.catalogue import load

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lsp"))

from editor import Editor  # noqa: E402 - the path comes first

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODULES = ("textwrap", "bisect", "heapq", "fractions", "shlex", "csv", "queue", "sched", "string")
CURSORS, FILLS, REQUESTS, ROUNDS, STARTS = 60, 8, 300, 2_000, 7
INLINE = {"max_tokens": 12}
HOLES = "def f(a, b):\n" + "".join(f"    x{i} = <FILL_ME>\n" for i in range(24)) + "    return a\n"
OPTIONS = {"notifications": True, "accept": "ask", "inline": {"debounce": 0}}
INVOKED = types.InlineCompletionTriggerKind.Invoked
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic


def quantile(row: list[float], share: float) -> float:
    return sorted(row)[min(len(row) - 1, int(share * len(row)))]


def cursors() -> list[tuple[str, int]]:
    """Texts and characters in them: a line that returns or assigns, cut where its value begins."""
    found = []
    for module in MODULES:
        text = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text()
        lines = text.splitlines(keepends=True)
        at = 0
        for line in lines:
            for word in (" = ", "return "):
                if word in line and line.startswith("    ") and line.rstrip()[-1] not in "([{,\\:":
                    cut = at + line.index(word) + len(word)
                    end = at + len(line) - 1
                    found.append((text[:cut] + text[end:], cut))
                    break
            at += len(line)
    return random.Random(20261122).sample(found, CURSORS)  # noqa: S311 - which cursors


async def loaded() -> Editor:
    editor = Editor()
    await editor.begin(options=OPTIONS)
    await editor.until(lambda: any(one.state == "idle" for one in editor.told.statuses), 120)
    return editor


async def complete(editor: Editor, uri: str, at: int, kind=AUTOMATIC):
    context = types.InlineCompletionContext(kind)
    name = types.TextDocumentIdentifier(uri)
    params = types.InlineCompletionParams(context, name, editor.place(uri, at))
    return await editor.text_document_inline_completion_async(params)


async def test_a_server_answers_soon_after_it_was_started(figure, monkeypatch):
    # as where it is installed: compiled code is kept
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    walls, floor = [], []
    for _ in range(STARTS):
        begun = time.perf_counter()
        editor = Editor()
        await editor.begin()
        walls.append(1e3 * (time.perf_counter() - begun))
        await editor.end()
        begun = time.perf_counter()
        imports = [sys.executable, "-c", "import pygls.lsp.server"]
        subprocess.run(imports, check=True)  # noqa: S603, ASYNC221 - nothing else is to run
        floor.append(1e3 * (time.perf_counter() - begun))
    mid = statistics.median(walls)
    figure("lsp: start to initialize answered", f"{mid:.0f} ms (most {max(walls):.0f})")
    ratio = mid / statistics.median(floor)
    figure("  ratio to a process that imports pygls", f"{ratio:.2f}")


async def test_inline_completion_of_single_lines(figure):
    editor, model = await loaded(), load("embedded")
    walls, asked, bare, empty = [], [], [], 0
    limits = Limits(context=256, effort=1.0)
    for number, (text, at) in enumerate(cursors()):
        uri = f"file:///bench/{number}.py"
        editor.open(uri, text)
        begun = time.perf_counter()
        found = await complete(editor, uri, at)
        walls.append(1e3 * (time.perf_counter() - begun))
        empty += not found.items
        begun = time.perf_counter()
        await complete(editor, uri, at, INVOKED)
        asked.append(1e3 * (time.perf_counter() - begun))
        editor.close(uri)
        byte = len(text[:at].encode())
        bench = Workbench(model, Settings(**INLINE, limits=limits))
        begun = time.perf_counter()
        bench.fill(text, [Hole(byte, byte)], grammar=False)
        bare.append(1e3 * (time.perf_counter() - begun))
    await editor.end()
    mid = statistics.median(walls)
    figure(
        "lsp: inline completion, automatic", f"p50 {mid:.0f}, p95 {quantile(walls, 0.95):.0f} ms"
    )
    high, low = quantile(asked, 0.95), statistics.median(asked)
    figure("  asked for, with an alternative", f"p50 {low:.0f}, p95 {high:.0f} ms")
    figure("  without an item", f"{empty} of {CURSORS}")
    figure(
        "  ratio to the same fill in process, no grammar", f"{mid / statistics.median(bare):.2f}"
    )


async def test_cancelling_is_silence_within_a_step(figure):
    editor = await loaded()
    silences, idles, steps = [], [], []
    uri = "file:///bench/a.py"
    for _ in range(FILLS):
        editor.open(uri, HOLES)
        editor.told.steps.clear()
        work = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
        await editor.until(lambda: len(editor.told.steps) >= 3)
        begun = time.perf_counter()
        await editor.command("infill.cancel", uri=uri)
        await asyncio.gather(work, return_exceptions=True)
        silences.append(1e3 * (time.perf_counter() - begun))
        heard = len(editor.told.steps)
        await editor.until(lambda: editor.told.statuses[-1].state == "idle")
        idles.append(1e3 * (time.perf_counter() - begun))
        assert heard == len(editor.told.steps)
        editor.close(uri)
        editor.open(uri, HOLES)
        begun = time.perf_counter()
        done = await editor.command("infill.fillAll", uri=uri)
        steps.append(1e3 * (time.perf_counter() - begun) / max(1, done.forwards))
        editor.close(uri)
    await editor.end()
    mid, step = statistics.median(silences), statistics.median(steps)
    figure("lsp: cancel to silence", f"{mid:.0f} ms (most {max(silences):.0f})")
    figure("  to an idle worker", f"{statistics.median(idles):.0f} ms (most {max(idles):.0f})")
    figure("  a forward with all around it", f"{step:.0f} ms")


async def test_other_requests_are_answered_while_a_fill_runs(figure):
    editor = await loaded()
    uri = "file:///bench/a.py"
    editor.open(uri, HOLES * 4)
    name, walls = types.TextDocumentIdentifier(uri), []
    everywhere = types.Range(types.Position(0, 0), types.Position(200, 0))
    asks = (
        lambda: editor.text_document_code_lens_async(types.CodeLensParams(name)),
        lambda: editor.text_document_inlay_hint_async(types.InlayHintParams(name, everywhere)),
        lambda: editor.text_document_hover_async(
            types.HoverParams(name, types.Position(3, 8)),
        ),
        lambda: editor.text_document_code_action_async(
            types.CodeActionParams(name, everywhere, types.CodeActionContext([]))
        ),
        lambda: editor.command("infill.status"),
    )
    work = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
    await editor.until(lambda: editor.told.steps)
    while len(walls) < REQUESTS:
        if work.done():
            work = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
            await asyncio.sleep(0.2)
        begun = time.perf_counter()
        await asks[len(walls) % len(asks)]()
        walls.append(1e3 * (time.perf_counter() - begun))
        await asyncio.sleep(0.01)
    await editor.command("infill.cancel")
    await asyncio.gather(work, return_exceptions=True)
    await editor.end()
    mid, high = statistics.median(walls), quantile(walls, 0.95)
    figure("lsp: other requests while a fill runs", f"p50 {mid:.1f} ms, p95 {high:.1f} ms")


def resident(pid: int) -> float:
    """MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in listed.split()]


async def test_memory_is_flat(figure):
    editor = await loaded()
    server = editor._server.pid
    uri, marks = "file:///bench/a.py", {}
    text = "def f(a, b):\n    total = \n    return total\n"
    editor.open(uri, text)
    for number in range(1, ROUNDS + 1):
        if number % 2:
            await complete(editor, uri, editor.text(uri).index("= ") + 2)
        elif number % 20 == 0:
            editor.replace(uri, "total = ", "total = <FILL_ME>")
            await editor.command("infill.fillAll", uri=uri)
            await editor.command("infill.accept", uri=uri)
            editor.edit(uri, 0, len(editor.text(uri)), text)
        else:
            editor.edit(uri, 0, 0, f"# {number % 7}\n")
            if number % 100 == 2:
                editor.edit(uri, 0, len(editor.text(uri)), text)
        if number in {ROUNDS // 10, ROUNDS // 2, ROUNDS}:
            row = [server, *children(server)]
            marks[number] = [round(resident(pid)) for pid in row]
            editor.told.steps.clear()
    await editor.end()
    figure("lsp: MiB of server and workers, by requests", str(marks))
