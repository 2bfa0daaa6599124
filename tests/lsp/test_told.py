"""What users and editors are told, and are not: with servers of their own."""

from __future__ import annotations

import asyncio

import pytest
from editor import FULL, Editor, fresh
from lsprotocol import types
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.asyncio
MEAN = "def mean(values):\n    return sum(values) / <FILL_ME>\n"
TYPOS = "def f(values):\n    return sum(vlaues)\n\n\ndef g(numbers):\n    return max(nubmers)\n"


async def test_whoever_looks_at_no_answers_is_told_by_a_message(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"maxTokens": 4, "alternatives": 0}) as editor:
        editor.open(uri, MEAN)
        proposal = await editor.command("infill.fillAll", uri=uri)
        editor.manners = "late"
        assert not (await editor.command("infill.accept", proposal=proposal.id)).applied
        await editor.until(lambda: any("as it was" in one for one in editor.told.messages), 2)
        editor.close(uri)
        editor.open(uri, "x = 1\n")
        await editor.command("infill.revise", uri=uri, trigger="diagnostics")
        await editor.until(lambda: "there is nothing to change" in editor.told.messages, 2)


async def test_an_edit_at_once_that_is_refused_is_told(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    options = {"maxTokens": 4, "alternatives": 0, "accept": "at_once"}
    async with fresh(options=options) as editor:
        editor.open(uri, MEAN)
        editor.manners = "error"
        assert "ready" == (await editor.command("infill.fillAll", uri=uri)).state
        await editor.until(lambda: any("refused" in one for one in editor.told.messages), 10)


async def test_a_model_that_is_not_there_is_told_once_before_anybody_asks(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    async with fresh(options={"model": str(tmp_path / "none")}) as editor:
        editor.open(uri, MEAN)
        await editor.until(lambda: editor.told.messages)
        automatic = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
        for _ in range(3):
            place = editor.place(uri, MEAN.index(" /"))
            params = types.InlineCompletionParams(
                automatic, types.TextDocumentIdentifier(uri), place
            )
            assert await editor.text_document_inline_completion_async(params) is None
        assert 1 == len([one for one in editor.told.messages if "no model" in one])


async def test_a_workspace_names_no_file_and_what_it_takes_back_is_the_default_again(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    grammar = tmp_path / "own.lark"
    grammar.write_text('start: "x"\n')
    editor = Editor()
    editor.settings = {"marker": "???", "grammar": str(grammar)}
    await editor.begin(options={"accept": "ask", "diagnostics": "holes"})
    try:
        await editor.until(lambda: any("grammar: expected" in m for m in editor.told.messages))
        editor.open(uri, "a = ???; b = <FILL_ME>\n")
        await editor.until(lambda: uri in editor.told.diagnostics)
        assert [4] == _columns(editor, uri)
        editor.settings = None
        editor.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
        await editor.until(lambda: _columns(editor, uri) == [13], 3)
    finally:
        await editor.end()


async def test_pushed_settings_are_seen_at_once_and_replace_those_before(tmp_path):
    uri = (tmp_path / "a.py").as_uri()
    workspace = {k: v for k, v in FULL["workspace"].items() if k != "configuration"}
    async with fresh(capabilities={**FULL, "workspace": workspace}) as editor:
        editor.open(uri, "a = ???; b = <FILL_ME>\n")
        await editor.until(lambda: uri in editor.told.diagnostics)
        for section, column in (({"marker": "???"}, 4), ({"seed": 1}, 13)):
            pushed = types.DidChangeConfigurationParams({"infill": section})
            editor.workspace_did_change_configuration(pushed)
            await editor.until(lambda wanted=column: _columns(editor, uri) == [wanted], 3)


def _columns(editor: Editor, uri: str) -> list[int]:
    found = editor.told.diagnostics[uri].diagnostics
    return [one.range.start.character for one in found if one.code == "hole"]


async def test_a_revision_keeps_to_the_function_that_it_was_asked_for(editor, uri):
    editor.open(uri, TYPOS)
    place = editor.place(uri, "vlaues")
    asked = {"uri": uri, "trigger": "diagnostics", "position": place}
    proposal = await editor.command("infill.revise", scope="function", **asked)
    assert [1] == [hole.range.start.line for hole in proposal.holes]
    proposal = await editor.command("infill.revise", scope="file", **asked)
    assert [1, 5] == [hole.range.start.line for hole in proposal.holes]


async def test_a_place_of_an_old_version_is_refused(editor, uri):
    editor.open(uri, MEAN)
    place = editor.range(uri, "sum(values)")
    editor.edit(uri, 0, 0, "# more\n")
    with pytest.raises(JsonRpcException) as caught:
        await editor.command("infill.rewrite", uri=uri, range=place, version=1)
    assert caught.value.code == -32801


async def test_two_accepts_make_one_edit(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    editor.manners = "blind"  # makes edits of any version
    rows = [editor.command("infill.accept", proposal=proposal.id) for _ in range(3)]
    assert 1 == sum(answer.applied for answer in await asyncio.gather(*rows))
    assert MEAN.replace("<FILL_ME>", proposal.holes[0].text) == editor.text(uri)
    assert 1 == editor.told.calls.count("apply")


async def test_halves_of_a_character_are_refused_and_never_counted_wrongly(editor, uri):
    editor.open(uri, "s = ''\nt = (1 + 2)\n")
    for half, at in (("\ud835", 5), ("\udcb3", 6)):  # an editor's own text has one character now
        editor.edit(uri, at, at, half)
    with pytest.raises(JsonRpcException, match="surrogate"):
        await editor.command("infill.rewrite", uri=uri, range=editor.range(uri, "1 + 2"))
    states = [one.state for one in editor.told.proposals]
    assert "working" not in states


async def test_a_marker_in_a_string_is_pointed_at_and_not_the_hole_before_it(editor, uri):
    editor.open(uri, "x = <FILL_ME>\ny = 'write <FILL_ME> there'\n")
    await editor.until(lambda: uri in editor.told.diagnostics)
    [one] = editor.told.diagnostics[uri].diagnostics
    assert ("marker", 1) == (one.code, one.range.start.line)


async def test_every_kind_of_action_is_what_an_empty_kind_asks_for(editor, uri):
    editor.open(uri, MEAN)
    context = types.CodeActionContext([], only=[types.CodeActionKind.Empty])
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), editor.range(uri, "<FILL_ME>"), context
    )
    assert await editor.text_document_code_action_async(params)
