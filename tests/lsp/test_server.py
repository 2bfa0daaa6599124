"""The server over stdio, with the embedded model: what is proposed, accepted, cancelled."""

from __future__ import annotations

import ast
import asyncio
import time

import pytest
from editor import Editor, parsed
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from infill.decode.trace import Trace

pytestmark = pytest.mark.asyncio

MEAN = (
    "def mean(values):\n    total = sum(values)\n    count = <FILL_ME>\n    return total / count\n"
)
TWO = (
    'def area(width, height):\n    s = "𝒳"; return <FILL_ME>\n\n\n'
    "def twice(x):\n    return <FILL_ME>\n"
)
LONG = "def f(a, b):\n" + "".join(f"    x{i} = <FILL_ME>\n" for i in range(12)) + "    return a\n"
CURSOR = "def scale(values, factor):\n    total = \n    return total\n"
INVOKED = types.InlineCompletionTriggerKind.Invoked
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic
ALL = types.Range(types.Position(0, 0), types.Position(10_000, 0))


def name(uri: str) -> types.TextDocumentIdentifier:
    return types.TextDocumentIdentifier(uri)


async def inline(editor: Editor, uri: str, at: int, kind=INVOKED):
    return await editor.text_document_inline_completion_async(
        types.InlineCompletionParams(
            types.InlineCompletionContext(kind), name(uri), editor.place(uri, at)
        )
    )


async def actions(editor: Editor, uri: str, place: types.Range, *, only=None, found=()):
    context = types.CodeActionContext(list(found), only=only)
    return await editor.text_document_code_action_async(
        types.CodeActionParams(name(uri), place, context)
    )


async def resolved(editor: Editor, action: types.CodeAction):
    """Resolve and run an action, as an editor does."""
    whole = await editor.code_action_resolve_async(action)
    params = types.ExecuteCommandParams(
        command=whole.command.command, arguments=whole.command.arguments
    )
    return parsed(await editor.workspace_execute_command_async(params))


async def lenses(editor: Editor, uri: str) -> list[str]:
    found = await editor.text_document_code_lens_async(types.CodeLensParams(name(uri)))
    return [lens.command.title for lens in found]


async def hints(editor: Editor, uri: str) -> list[str]:
    found = await editor.text_document_inlay_hint_async(types.InlayHintParams(name(uri), ALL))
    return [hint.label for hint in found]


async def hover(editor: Editor, uri: str, at: str | int) -> str:
    place = editor.place(uri, at)
    found = await editor.text_document_hover_async(types.HoverParams(name(uri), place))
    return "" if found is None else found.contents.value


async def test_a_proposal_changes_nothing_until_it_is_accepted(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert ("ready", "file", MEAN) == (proposal.state, proposal.checked, editor.text(uri))
    [hole] = proposal.holes
    assert [f"⟨{hole.text}⟩"] == await hints(editor, uri)
    assert "Accept" in await lenses(editor, uri)
    answer = await editor.command("infill.accept", proposal=proposal.id)
    assert answer.applied
    assert MEAN.replace("<FILL_ME>", hole.text) == editor.text(uri)
    ast.parse(editor.text(uri))
    assert [] == await lenses(editor, uri)
    again = await editor.command("infill.accept", proposal=proposal.id)
    assert (False, True) == (again.applied, "accepted" in again.message)


async def test_holes_are_filled_jointly_beside_astral_characters(editor, uri):
    editor.open(uri, TWO)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert [0, 1] == [hole.index for hole in proposal.holes]
    assert (await editor.command("infill.accept", uri=uri)).applied
    first, second = (hole.text for hole in proposal.holes)
    wanted = TWO.replace("<FILL_ME>", first, 1).replace("<FILL_ME>", second, 1)
    assert wanted == editor.text(uri)
    ast.parse(editor.text(uri))


async def test_the_denoising_is_shown_while_it_happens(editor, uri):
    editor.open(uri, LONG)
    await editor.command("infill.fillAll", uri=uri)
    steps = editor.told.steps
    assert len(steps) >= 3
    assert all(step.schema == 1 and step.uri == uri for step in steps)
    assert any("▒" in hole.text for hole in steps[0].holes)
    assert steps[-1].open == 0
    states = [one.state for one in editor.told.proposals]
    assert ("working", "ready") == (states[0], states[-1])
    kinds = [
        one.value["kind"] if isinstance(one.value, dict) else one.value.kind
        for one in editor.told.progress
    ]
    assert ("begin", "end") == (kinds[0], kinds[-1])
    assert "report" in kinds


async def test_hints_are_refreshed_ten_times_a_second_at_most(editor, uri):
    editor.open(uri, LONG)
    begun = time.monotonic()
    await editor.command("infill.fillAll", uri=uri)
    spent = time.monotonic() - begun
    count = editor.told.calls.count(types.WORKSPACE_INLAY_HINT_REFRESH)
    assert 1 <= count <= 10 * spent + 3


async def test_an_inline_completion_keeps_what_is_right_of_it(editor, uri):
    editor.open(uri, CURSOR.replace("total = \n", "total = (values[0] + ) * factor\n"))
    at = editor.text(uri).index(" ) * factor") + 1
    found = await inline(editor, uri, at)
    assert found.items
    for item in found.items:
        text = editor.text(uri)
        ast.parse(text[:at] + item.insert_text + text[at:])
        assert item.range.start == item.range.end == editor.place(uri, at)


async def test_an_automatic_completion_waits_and_gives_way_to_typing(editor, uri):
    editor.open(uri, CURSOR)
    at = CURSOR.index("= ") + 2
    wanted = asyncio.ensure_future(inline(editor, uri, at, AUTOMATIC))
    await asyncio.sleep(0.02)
    editor.edit(uri, at, at, "su")
    with pytest.raises(JsonRpcException) as caught:
        await wanted
    assert caught.value.code == -32801  # ContentModified


async def test_a_completion_takes_the_place_of_the_one_before(editor, uri):
    editor.open(uri, CURSOR)
    at = CURSOR.index("= ") + 2
    first, second = (asyncio.ensure_future(inline(editor, uri, at)) for _ in range(2))
    with pytest.raises(JsonRpcException) as caught:
        await first
    assert caught.value.code == -32800  # RequestCancelled
    assert (await second).items


async def test_the_status_says_why_nothing_was_completed(editor, uri):
    editor.open(uri, "x = )\n")
    found = await inline(editor, uri, len("x = )"), AUTOMATIC)
    assert found is None
    assert "no text of the grammar fits" in (await editor.command("infill.status")).message
    editor.replace(uri, "x = )", "x = ")
    assert (await inline(editor, uri, len("x = "), AUTOMATIC)).items
    assert "" == (await editor.command("infill.status")).message


async def test_older_clients_count_trigger_kinds_from_zero(editor, uri):
    editor.open(uri, CURSOR)
    at = editor.place(uri, CURSOR.index("= ") + 2)
    answer = await editor.raw(
        "textDocument/inlineCompletion",
        {
            "textDocument": {"uri": uri},
            "position": {"line": at.line, "character": at.character},
            "context": {"triggerKind": 0},
        },
    )
    assert answer.items[0].insertText


async def test_actions_are_offered_where_they_make_sense_and_resolved_lazily(editor, uri):
    editor.open(uri, MEAN)
    kinds = {a.kind for a in await actions(editor, uri, editor.range(uri, "<FILL_ME>"))}
    assert {"quickfix.infill", "source.fixAll.infill", "refactor.rewrite.infill"} <= kinds
    only = await actions(editor, uri, editor.range(uri, "total"), only=["refactor.rewrite"])
    assert {"refactor.rewrite.infill", "refactor.rewrite.infill.keep"} == {a.kind for a in only}
    assert all(a.command is None and a.edit is None for a in only)
    [fix] = await actions(editor, uri, editor.range(uri, "<FILL_ME>"), only=["quickfix"])
    assert (await resolved(editor, fix)).state == "ready"
    accept, *_ = await actions(editor, uri, editor.range(uri, "<FILL_ME>"), only=["quickfix"])
    assert accept.is_preferred
    assert (await resolved(editor, accept)).applied


async def test_an_action_of_an_old_version_says_so(editor, uri):
    editor.open(uri, MEAN)
    [fix] = await actions(editor, uri, editor.range(uri, "<FILL_ME>"), only=["quickfix"])
    editor.edit(uri, 0, 0, "# more\n")
    with pytest.raises(JsonRpcException) as caught:
        await editor.code_action_resolve_async(fix)
    assert caught.value.code == -32801


async def test_a_rewrite_keeps_what_is_to_stay(editor, uri):
    editor.open(uri, "def f(a, b):\n    return a + b\n")
    place = editor.range(uri, "a + b\n")
    place.end = editor.place(uri, editor.text(uri).index("a + b") + 5)
    proposal = await editor.command("infill.rewrite", uri=uri, range=place, keepNames=True)
    assert ["+"] == [hole.old for hole in proposal.holes]
    at = editor.place(uri, editor.text(uri).index("+"))
    assert {at.character} == {h.range.start.character for s in editor.told.steps for h in s.holes}
    proposal = await editor.command("infill.rewrite", uri=uri, range=place, keep=["a + "])
    assert ["b"] == [hole.old for hole in proposal.holes]
    assert (await editor.command("infill.accept", uri=uri)).applied
    assert editor.text(uri).startswith("def f(a, b):\n    return a + ")


async def test_a_revision_follows_the_last_edit(editor, uri):
    editor.open(uri, "def f(value):\n    total = value + 1\n    return total * value\n")
    at = editor.text(uri).index("value")
    for letter in "new_":  # a name is typed letter by letter
        editor.edit(uri, at, at, letter)
        at += 1
    proposal = await editor.command("infill.revise", uri=uri, scope="file")
    assert ["value", "value"] == [hole.old for hole in proposal.holes]
    assert (await editor.command("infill.accept", uri=uri)).applied
    wanted = "def f(new_value):\n    total = new_value + 1\n    return total * new_value\n"
    assert wanted == editor.text(uri)


async def test_a_revision_mends_what_is_wrong_and_leaves_what_is_right(editor, uri):
    editor.open(uri, "def f(values):\n    return sum(vlaues)\n")
    proposal = await editor.command("infill.revise", uri=uri, trigger="diagnostics")
    assert (await editor.command("infill.accept", proposal=proposal.id)).applied
    assert "def f(values):\n    return sum(values)\n" == editor.text(uri)
    good = await editor.command("infill.revise", uri=uri, trigger="diagnostics")
    assert (None, True) == (good.proposal, "nothing" in good.message)


async def test_holes_are_accepted_one_by_one(editor, uri):
    editor.open(uri, TWO)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert (await editor.command("infill.acceptHole", proposal=proposal.id, hole=1)).applied
    assert editor.text(uri).count("<FILL_ME>") == 1
    assert (await editor.command("infill.acceptHole", proposal=proposal.id, hole=0)).applied
    first, second = (hole.text for hole in proposal.holes)
    assert TWO.replace("<FILL_ME>", first, 1).replace("<FILL_ME>", second) == editor.text(uri)
    assert editor.told.proposals[-1].state == "accepted"


async def test_alternatives_are_gone_through_and_come_round(editor, uri):
    editor.open(uri, MEAN)
    first = await editor.command("infill.fillAll", uri=uri)
    assert first.of == 2
    second = await editor.command("infill.next", proposal=first.id)
    assert first.holes[0].text != second.holes[0].text
    assert second.holes[0].text in first.holes[0].alternatives
    back = await editor.command("infill.previous", uri=uri)
    assert first.holes[0].text == back.holes[0].text
    await editor.command("infill.next", uri=uri, hole=0)
    assert (await editor.command("infill.accept", uri=uri)).applied
    assert second.holes[0].text in editor.text(uri)


async def test_a_rejected_proposal_is_gone(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert (await editor.command("infill.reject", uri=uri)).rejected == 1
    assert ([], []) == (await lenses(editor, uri), await hints(editor, uri))
    assert not (await editor.command("infill.accept", proposal=proposal.id)).applied
    assert MEAN == editor.text(uri)


async def test_a_hover_tells_candidates_probabilities_and_steps(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    await editor.command("infill.accept", uri=uri)
    deadline = time.monotonic() + 10
    text = ""
    while "| token |" not in text and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        text = await hover(editor, uri, MEAN.index("<FILL_ME>"))
    assert "| token | p when written | step | candidates now |" in text
    assert text.count("\n| `") >= 1
    assert proposal.holes[0].alternatives[0] in text.replace("\\|", "|")
    assert "" == await hover(editor, uri, "mean")


async def test_a_trace_can_be_read_by_the_library(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    told = (await editor.command("infill.trace", proposal=proposal.id)).trace
    traces = Trace.parse(told.splitlines())
    assert all(not len(trace.replay().holes) for trace in traces if trace.outcome == "filled")


async def test_the_status_names_the_model(editor):
    status = await editor.command("infill.status")
    assert (1, "idle", 0) == (status.schema, status.state, status.queue)
    assert status.model


@pytest.mark.parametrize("when", ["while it is sampled", "when it is ready"])
async def test_an_edit_above_shifts_and_one_inside_invalidates(editor, uri, when):
    editor.open(uri, TWO)
    if when == "when it is ready":
        proposal = await editor.command("infill.fillAll", uri=uri)
        editor.edit(uri, 0, 0, "# 𝒳\n\n")
    else:
        work = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
        await editor.until(lambda: editor.told.steps)
        editor.edit(uri, 0, 0, "# 𝒳\n\n")
        proposal = await work

    def lines():
        return [hole.range.start.line for hole in editor.told.proposals[-1].holes]

    await editor.until(lambda: lines() == [3, 7], 5)
    inside = editor.text(uri).index("<FILL_ME>") + 3
    editor.edit(uri, inside, inside, "x")
    await editor.until(lambda: len(editor.told.proposals[-1].holes) == 1)
    before = editor.text(uri)
    assert (await editor.command("infill.accept", proposal=proposal.id)).applied
    assert before.replace("<FILL_ME>", proposal.holes[1].text) == editor.text(uri)


async def test_nothing_is_left_of_a_proposal_whose_holes_were_edited(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    editor.replace(uri, "<FILL_ME>", "len(values)")
    answer = await editor.command("infill.accept", proposal=proposal.id)
    assert (False, True) == (answer.applied, "invalid" in answer.message)


@pytest.mark.parametrize("manners", ["late", "error"])
async def test_success_is_only_said_of_what_was_seen(editor, uri, manners):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    editor.manners = manners
    answer = await editor.command("infill.accept", proposal=proposal.id)
    assert (False, MEAN) == (answer.applied, editor.text(uri))
    assert answer.message
    editor.manners = "good"
    assert (await editor.command("infill.accept", proposal=proposal.id)).applied


async def test_an_edit_that_is_told_late_is_ours_all_the_same(editor, uri):
    editor.open(uri, MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    editor.manners = "silent"
    answer = await editor.command("infill.accept", proposal=proposal.id)
    assert not answer.applied  # it was not seen
    editor.catch_up()
    await editor.until(lambda: editor.told.proposals[-1].state == "accepted", 5)


@pytest.mark.parametrize("how", ["request", "command", "progress", "editing"])
async def test_work_is_cancelled_within_a_step(editor, uri, how):
    editor.open(uri, LONG)
    message, token = "cancel-me", "my-progress"
    work = asyncio.ensure_future(
        editor.protocol.send_request_async(
            types.WORKSPACE_EXECUTE_COMMAND,
            types.ExecuteCommandParams(
                command="infill.fillAll", arguments=[{"uri": uri}], work_done_token=token
            ),
            msg_id=message,
        )
    )
    await editor.until(lambda: editor.told.steps)
    begun = time.monotonic()
    if how == "request":
        editor.cancel_request(types.CancelParams(id=message))
    elif how == "progress":
        editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    elif how == "editing":
        while "<FILL_ME>" in editor.text(uri):
            editor.replace(uri, "<FILL_ME>", "0")
    else:
        assert (await editor.command("infill.cancel", uri=uri)).cancelled == 1
    with pytest.raises((JsonRpcException, asyncio.CancelledError)):
        await work
    heard = len(editor.told.steps)
    await editor.until(lambda: editor.told.statuses[-1].state == "idle", 5)
    assert time.monotonic() - begun < 3
    assert heard == len(editor.told.steps)
    states = {one.state for one in editor.told.proposals if one.id == editor.told.proposals[-1].id}
    assert states & {"cancelled", "invalid"}


async def test_a_fill_of_the_same_place_replaces_the_one_before(editor, uri):
    editor.open(uri, LONG)
    first = asyncio.ensure_future(editor.command("infill.fillAll", uri=uri))
    await editor.until(lambda: editor.told.steps)
    second = await editor.command("infill.fillAll", uri=uri)
    with pytest.raises(JsonRpcException) as caught:
        await first
    assert caught.value.code == -32800
    assert second.state == "ready"


async def test_documents_have_their_turns(editor, uri, tmp_path):
    other = (tmp_path / "b.py").as_uri()
    editor.open(uri, LONG)
    editor.open(other, MEAN)
    editor.replace(uri, "x0 = <FILL_ME>", "x0 = 0")
    ends: list[str] = []

    async def fill(document: str, line: int) -> None:
        place = types.Position(line, len("    x1 = <"))
        await editor.command("infill.fill", uri=document, position=place)
        ends.append(document)

    rows = [fill(uri, 2), fill(uri, 4), fill(uri, 6), fill(other, 2)]
    await asyncio.gather(*rows)
    assert ends.index(other) <= 1


async def test_holes_are_diagnosed_and_a_conflict_is_explained(editor, uri):
    editor.open(uri, MEAN)
    await editor.until(lambda: uri in editor.told.diagnostics)
    [hole] = editor.told.diagnostics[uri].diagnostics
    assert ("unfilled hole", editor.range(uri, "<FILL_ME>")) == (hole.message, hole.range)
    editor.replace(uri, "sum(values)", "sum(values))")

    def conflict():
        found = editor.told.diagnostics[uri].diagnostics
        return [one for one in found if one.code == "incompletable"]

    await editor.until(conflict)
    [one] = conflict()
    assert "')' cannot follow" in one.message
    wrong = editor.text(uri).index("))") + 1
    assert editor.place(uri, wrong) == one.range.start
    editor.replace(uri, "sum(values))", "sum(values)")
    await editor.until(lambda: not conflict())


async def test_a_file_that_is_broken_elsewhere_is_filled_by_the_block(editor, uri):
    broken = "def broken(:\n    pass\n\n\n"
    editor.open(uri, broken + MEAN)
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert ("ready", "block") == (proposal.state, proposal.checked)
    assert "lines 5 to" in proposal.message
    assert (await editor.command("infill.accept", uri=uri)).applied
    assert editor.text(uri).startswith(broken)
    ast.parse(editor.text(uri)[len(broken) :])


async def test_a_language_without_a_grammar_says_that_nothing_was_checked(editor, tmp_path):
    uri = (tmp_path / "a.txt").as_uri()
    editor.open(uri, "some <FILL_ME> text\n", "plaintext")
    proposal = await editor.command("infill.fillAll", uri=uri)
    assert ("none", True) == (proposal.checked, "nothing was checked" in proposal.message)


@pytest.mark.parametrize(
    ("command", "argument", "reason"),
    [
        ("infill.fillAll", {"uri": "file:///nowhere.py"}, "not open"),
        ("infill.fillAll", {"uri": 7}, "uri"),
        ("infill.fill", {"uri": "U"}, "Position"),
        ("infill.fill", {"uri": "U", "position": {"line": -1}}, "Position"),
        ("infill.rewrite", {"uri": "U", "position": {"line": 0, "character": 0}}, "empty"),
        ("infill.rewrite", {"uri": "U", "range": 3}, "Range"),
        ("infill.revise", {"uri": "U", "scope": "planet"}, "scope"),
        ("infill.revise", {"uri": "U"}, "no last edit"),
        ("infill.accept", {"proposal": "p999999"}, "no such proposal"),
        ("infill.nothing", {}, "no command"),
    ],
)
async def test_bad_arguments_are_answered_with_a_reason(editor, uri, command, argument, reason):
    editor.open(uri, MEAN)
    given = {key: uri if value == "U" else value for key, value in argument.items()}
    with pytest.raises(JsonRpcException) as caught:
        await editor.workspace_execute_command_async(
            types.ExecuteCommandParams(command=command, arguments=[given])
        )
    assert reason in str(caught.value)
    assert (await editor.command("infill.status")).state in {"idle", "working"}
