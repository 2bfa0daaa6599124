"""What a server must outlive: bad input, dead workers, models that are not there, dead clients."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from editor import FULL, Editor, fresh
from infill_lsp.messages import Place, Task, decode, encode
from lsprotocol import types
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.asyncio
BARE = {"workspace": {"applyEdit": True}}

MEAN = (
    "def mean(values):\n    total = sum(values)\n    count = <FILL_ME>\n    return total / count\n"
)


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(one) for one in listed.split()]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_places_are_right_in_every_encoding_and_line_ending(tmp_path, encoding):
    capabilities = {**FULL, "general": {"positionEncodings": [encoding]}}
    uri = (tmp_path / "a.py").as_uri()
    text = 'def f(é, b):\r\n\ts = "𝒳é"; return <FILL_ME>\r\n\r\n# 𝒳\r\n'
    options = {"accept": "ask", "maxTokens": 4, "alternatives": 0}
    async with fresh(capabilities=capabilities, options=options) as editor:
        assert encoding == editor.encoding
        editor.open(uri, text)
        proposal = await editor.command("infill.fillAll", uri=uri)
        editor.edit(uri, 0, 0, "# 𝒳\r\n")
        assert (await editor.command("infill.accept", uri=uri)).applied
        wanted = "# 𝒳\r\n" + text.replace("<FILL_ME>", proposal.holes[0].text)
        assert wanted == editor.text(uri)


async def test_a_client_that_declares_nothing_is_asked_for_nothing(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(capabilities={}, options={"accept": "ask"}) as editor:
        editor.open(uri, MEAN)
        await editor.command("infill.fillAll", uri=uri)
        place = editor.range(uri, "<FILL_ME>")
        found = await editor.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(uri), place, types.CodeActionContext([])
            )
        )
        assert all(getattr(one, "command", None) for one in found)  # nothing is left to resolve
        answer = await editor.command("infill.accept", uri=uri)
        assert (False, True) == (answer.applied, "workspace.applyEdit" in answer.message)
        assert ([], {}) == (editor.told.calls, editor.told.diagnostics)
        assert [] == [*editor.told.steps, *editor.told.progress, *editor.told.statuses]


async def test_where_nothing_can_be_shown_a_fill_is_accepted_at_once(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(capabilities=BARE) as editor:
        editor.open(uri, MEAN)
        proposal = await editor.command("infill.fillAll", uri=uri)
        wanted = MEAN.replace("<FILL_ME>", proposal.holes[0].text)
        await editor.until(lambda: wanted == editor.text(uri))


async def test_an_edit_that_is_refused_while_the_user_types_is_offered_again(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(capabilities=BARE) as editor:
        editor.open(uri, MEAN)
        editor.manners = "error"
        proposal = await editor.command("infill.fillAll", uri=uri)
        await editor.until(lambda: "apply" in editor.told.calls)
        assert MEAN == editor.text(uri)
        editor.manners = "good"
        editor.edit(uri, 0, 0, "# typed\n")
        wanted = "# typed\n" + MEAN.replace("<FILL_ME>", proposal.holes[0].text)
        await editor.until(lambda: wanted == editor.text(uri))


async def test_a_model_that_is_not_there_is_named_and_the_server_stays(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"model": str(tmp_path / "none"), "notifications": True}) as editor:
        editor.open(uri, MEAN)
        for _ in range(2):
            with pytest.raises(JsonRpcException, match="there is no model"):
                await editor.command("infill.fillAll", uri=uri)
        assert "failed" in [one.state for one in editor.told.statuses]
        await editor.until(lambda: uri in editor.told.diagnostics)
        assert MEAN == editor.text(uri)


async def test_a_worker_that_dies_is_started_again_and_no_document_is_lost(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"notifications": True, "maxTokens": 6, "alternatives": 0}) as editor:
        editor.open(uri, "# one\n")
        editor.edit(uri, 0, len("# one\n"), MEAN)
        await editor.until(lambda: any(s.state == "idle" for s in editor.told.statuses), 60)
        work = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
        await editor.until(lambda: editor.told.steps)
        by_age = sorted(children(editor._server.pid))
        os.kill(by_age[0], signal.SIGKILL)  # as the system does where memory is short
        with pytest.raises(JsonRpcException, match="memory"):
            await work
        again = await editor.command("infill.fillAll", uri=uri)
        assert "ready" == again.state


async def test_a_worker_imports_nothing_from_the_folder_it_is_started_in(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("open('ran', 'w').close()")
    monkeypatch.chdir(tmp_path)  # an editor starts its server in the workspace
    async with fresh(options={"notifications": True}) as editor:
        uri = (tmp_path / "a.py").as_uri()
        editor.open(uri, "x = 1\n")
        await editor.until(lambda: any(s.state == "idle" for s in editor.told.statuses), 60)
    assert ["numpy.py"] == [path.name for path in tmp_path.iterdir()]


async def test_the_workers_end_with_a_client_that_dies():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infill_lsp",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    for method, params in (("initialize", {"capabilities": {}}), ("initialized", {})):
        process.stdin.write(framed(method, params, id_=method == "initialize"))
    deadline = time.monotonic() + 20
    while not (workers := children(process.pid)) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert workers
    process.stdin.close()
    await asyncio.wait_for(process.wait(), 20)
    while any(map(alive, workers)) and time.monotonic() < deadline + 20:
        await asyncio.sleep(0.05)
    assert not any(map(alive, workers))


def framed(method: str, params, *, id_: bool) -> bytes:
    body = json.dumps(
        {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": 1} if id_ else {})
    )
    return f"Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_what_is_no_request_is_refused_and_the_next_one_answered(editor, uri):
    editor.open(uri, MEAN)
    writer = editor.protocol.writer
    for body in (b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"jsonrpc": "1.0", "id": 3, "method": "x"}'):
        answer = writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        if answer is not None:
            await answer
    with pytest.raises(JsonRpcException, match="not whole"):
        await editor.raw("textDocument/hover", {"position": "here"})
    with pytest.raises(JsonRpcException) as caught:
        await editor.raw("textDocument/nothing", {})
    assert caught.value.code == -32601
    assert (await editor.command("infill.status")).schema == 1


async def test_a_storm_of_changes_leaves_the_right_text(editor, uri):
    editor.open(uri, MEAN)
    for number in range(200):
        editor.edit(uri, 0, 0, f"# {number}\n")
    begun = time.monotonic()
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert (await editor.command("infill.accept", uri=uri)).applied
    assert editor.text(uri).endswith(MEAN.replace("<FILL_ME>", proposal.holes[0].text))
    assert time.monotonic() - begun < 20


async def test_a_storm_of_requests_and_cancels_is_outlived(editor, uri):
    editor.open(uri, MEAN)
    rows = []
    for number in range(40):
        id_ = f"storm-{number}"
        params = types.ExecuteCommandParams(command="infill.fillAll", arguments=[{"uri": uri}])
        row = editor.protocol.send_request_async(
            types.WORKSPACE_EXECUTE_COMMAND, params, msg_id=id_
        )
        rows.append(asyncio.ensure_future(row))
        await asyncio.sleep(0.005 * (number % 3))
        if number % 2:
            editor.cancel_request(types.CancelParams(id=id_))
    ends = await asyncio.gather(*rows, return_exceptions=True)
    assert not any(isinstance(one, TimeoutError) for one in ends)
    assert "ready" == (await editor.command("infill.fillAll", uri=uri)).state


async def test_a_file_of_two_megabytes_is_filled_by_the_block(editor, uri):
    filler = "def f{}(a, b):\n    return a + b  # some text to make it longer\n\n\n"
    big = "".join(filler.format(number) for number in range(18_000))
    half = big.index("def f9000(")
    text = big[:half] + MEAN + "\n\n" + big[half:]
    assert len(text) > 1_100_000
    editor.open(uri, text)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert ("ready", "block") == (proposal.state, proposal.checked)
    editor.edit(uri, 0, 0, "# shifted\n")
    assert (await editor.command("infill.accept", uri=uri)).applied
    assert "# shifted\n" + text.replace("<FILL_ME>", proposal.holes[0].text) == editor.text(uri)


async def test_settings_of_the_client_and_its_folders_are_asked_for(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    folders = [types.WorkspaceFolder(tmp_path.as_uri(), "here")]
    editor = Editor()
    editor.settings = {"marker": "???", "seeed": 1, "model": "/evil", "inline": {"debounce": "x"}}
    await editor.begin(folders=folders, options={"accept": "ask"})
    try:
        await editor.until(lambda: editor.told.messages)
        text = "\n".join(editor.told.messages)
        for part in ("did you mean 'seed'", "may not be set by a workspace", "debounce: expected"):
            assert part in text
        editor.open(uri, "def f(a):\n    return ???\n")
        proposal = await editor.command("infill.fillAll", uri=uri)
        assert ["???"] == [hole.old for hole in proposal.holes]
    finally:
        await editor.end()


async def test_the_model_is_what_the_environment_says_where_the_editor_says_none(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("INFILL_MODEL", "no-such-model")
    monkeypatch.setenv("INFILL_MARKER", "???")
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"diagnostics": "holes"}) as editor:
        await editor.until(lambda: any("no-such-model" in one for one in editor.told.messages))
        editor.open(uri, "a = ???; b = <FILL_ME>\n")
        await editor.until(lambda: uri in editor.told.diagnostics)
        assert [4] == [
            one.range.start.character for one in editor.told.diagnostics[uri].diagnostics
        ]


async def test_messages_between_server_and_worker_come_through_whole():
    task = Task(job="j", kind="fill", text="\ud835 é\n", name="n", places=(Place(0, 1),))
    assert task == decode(encode(task))


async def test_what_only_the_grammar_wrote_is_no_completion(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"inline": {"timeLimit": 0.05}}) as editor:
        text = "def f(values):\n    return \n" * 20
        editor.open(uri, text)
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
        place = editor.place(uri, text.index("return ") + 7)
        params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(uri), place)
        assert not (await editor.text_document_inline_completion_async(params)).items


async def test_a_worker_that_can_hear_no_more_ends():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infill_lsp.worker", "--judge",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    process.stdin.write(b"this is no message\n")
    try:
        assert 1 == await asyncio.wait_for(process.wait(), 20)
    finally:
        process.stdin.close()


async def test_a_server_on_a_port_of_the_loopback_serves_one_client(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "infill", "lsp", "--tcp", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    editor = Editor()

    async def listens() -> bool:
        try:
            await editor.start_tcp("127.0.0.1", port)
        except OSError:
            return False
        return True

    while not await listens():
        await asyncio.sleep(0.05)
    await editor.greet(capabilities=BARE, options={"accept": "ask"})
    editor.open(uri, MEAN)
    await editor.command("infill.fillAll", uri=uri)
    assert (await editor.command("infill.accept", uri=uri)).applied
    await editor.shutdown_async(None)
    editor.exit(None)
    assert 0 == await asyncio.wait_for(process.wait(), 20)
    await editor.stop()
