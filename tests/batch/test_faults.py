"""Full disks, files that change in the middle, two runs at once, journals of no use: for real."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("acting.py")
PATIENCE = 60


@pytest.fixture
def folder(bases):
    """A folder of four files; where the runs over them are kept is beside it."""
    (folder := next(bases) / "files").mkdir()
    for name in "abcd":
        (folder / f"{name}.py").write_text(f"{name} = <FILL_ME>\n")
    return folder


FILLED = {f"{name}.py": f"{name} = 14\n".encode() for name in "abcd"}
PLANNED = {f"{name}.py": f"{name} = <FILL_ME>\n".encode() for name in "abcd"}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def ran(commands):
    return commands.run


def runs(folder):
    return sorted(path.name for path in Path(f"{folder}.state/runs").glob("2*"))


def ids(folder):
    return [Path(name).stem for name in runs(folder) if name.endswith(".sqlite")]


@contextmanager
def stopped_at(commands, name, *arguments):
    """A run that is stopped while it works on a text, for something to happen meanwhile."""
    pid = commands.start(*arguments, ACTING_PAUSE="0.05")
    commands.wait_for(f"working on {name}")
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("options", [(), ("--all-or-nothing",)], ids=["each", "all"])
def test_a_journal_that_is_full_ends_the_run_and_nothing_is_lost(ran, folder, options):
    padding = os.urandom(30_000).hex()
    for (
        name
    ) in "abcd":  # what is replaced is in the journal, which so grows while files are written
        (folder / f"{name}.py").write_text(f"# {padding}\n{name} = <FILL_ME>\n")
    before = contents(folder)
    command = ("fill", "--write", "--no-workspace", *options, ".")
    code, _, err = ran(folder, *command, limit=200_000)
    assert code == 3
    assert "the journal cannot be kept" in err
    assert "free some space" in err
    done = [name for name, data in contents(folder).items() if data != before[name]]
    assert done == [] if options else 0 < len(done) < 4
    assert not list(folder.glob(".*"))
    assert ran(folder, "resume", "last")[0] == 0
    assert all(b"<FILL_ME>" not in data for data in contents(folder).values())
    assert ran(folder, "undo", "last")[0] == 0
    assert contents(folder) == before


def test_a_journal_that_cannot_be_begun_ends_the_run_before_it_begins(ran, folder):
    for options in ((), ("--write",), ("--check",)):
        code, out, err = ran(folder, "fill", ".", *options, limit=1_000)
        assert (code, out) == (3, "")
        assert "the journal cannot be kept" in err
    assert contents(folder) == PLANNED
    assert runs(folder) == []


@pytest.mark.parametrize("options", [(), ("--write",)], ids=["diff", "write"])
def test_a_state_folder_of_no_use_is_told_before_anything_is_done(ran, folder, tmp_path, options):
    (tmp_path / "file").write_bytes(b"")
    state = str(tmp_path / "file" / "state")
    code, out, err = ran(folder, "fill", ".", *options, INFILL_STATE=state)
    assert (code, out) == (3, "")
    assert "INFILL_STATE" in err
    assert contents(folder) == PLANNED


def test_a_full_disk_beside_the_file_leaves_it(ran, folder):
    (folder / "b.py").write_text(big := "# ä\n" * 200_000 + "b = <FILL_ME>\n")
    code, _, err = ran(folder, "fill", "--write", ".", limit=600_000)
    assert code == 3
    assert "could not be replaced" in err
    assert "free some space" in err
    assert contents(folder) == {**FILLED, "b.py": big.encode()}
    assert ran(folder, "resume", "last")[0] == 0
    assert b"<FILL_ME>" not in (folder / "b.py").read_bytes()


@pytest.mark.parametrize("option", ["--patch", "--trace"])
@pytest.mark.parametrize("write", [(), ("--write",)], ids=["diff", "write"])
def test_a_full_disk_of_a_patch_or_a_trace_is_told(ran, folder, option, write):
    code, _, err = ran(folder, "fill", ".", *write, option, "/dev/full")
    assert code == 3
    assert f"the {option[2:]} cannot be written\n  where: /dev/full" in err
    found = contents(folder)
    assert found == {**PLANNED, "a.py": found["a.py"]}
    assert ran(folder, "undo", "last")[0] == 0
    assert contents(folder) == PLANNED


def test_a_patch_that_does_not_fit_has_whole_diffs_only(ran, folder):
    for name in "abcd":
        (folder / f"{name}.py").write_text(f"{name} = <FILL_ME>  # {'_' * 100_000}\n")
    code, _, err = ran(folder, "fill", ".", "--patch", "../patch", limit=500_000)
    assert (code, "the patch cannot be written" in err) == (3, True)
    found = (folder.parent / "patch").read_text()
    assert [line[:6] for line in found.splitlines() if line.startswith("+++")] == ["+++ b/"] * 2
    assert ran(folder, "apply", "../patch")[0] == 0
    done = {name for name, data in contents(folder).items() if b"<FILL_ME>" not in data}
    assert done == {"a.py", "b.py"}


def test_a_store_that_cannot_be_used_is_only_slower(ran, folder):
    runs = Path(f"{folder}.state/runs")
    runs.mkdir(parents=True)
    (runs / "fills.sqlite").write_bytes(b"no database " * 1_000)
    assert ran(folder, "fill", "--write", ".")[0] == 0
    assert contents(folder) == FILLED


def test_what_is_found_is_kept_for_other_runs(ran, folder):
    assert "working" in ran(folder, "fill", ".", ACTING_PAUSE="0.001")[2]
    assert "working" not in ran(folder, "fill", ".", ACTING_PAUSE="0.001")[2]


CHANGES = {
    "edited": lambda path: path.write_bytes(b"mine\n"),
    "gone": lambda path: path.unlink(),
    "read-only": lambda path: path.chmod(0o444),
    "a link": lambda path: (path.unlink(), path.symlink_to("a.py")),
    "a link out": lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", [(), ("--all-or-nothing",)], ids=["each", "all"])
def test_a_file_that_becomes_another_in_the_middle(commands, folder, change, options):
    with stopped_at(commands, "b.py", folder, "fill", "--write", *options, "."):
        CHANGES[change](folder / "b.py")
    code, _, err = commands.wait()
    assert code == 3 if change == "read-only" or not options else 6
    assert ("read-only" if change == "read-only" else "the file changed since it was read") in err
    found = contents(folder)
    assert {name: found[name] for name in ("c.py", "d.py")} == (
        {name: (PLANNED if options else FILLED)[name] for name in ("c.py", "d.py")}
    )
    match change:
        case "edited":
            assert found["b.py"] == b"mine\n"
        case "read-only":
            assert found["b.py"] == PLANNED["b.py"]
        case "gone" | "a folder" | "a pipe":
            assert "b.py" not in found
        case _:
            assert (folder / "b.py").is_symlink()
    assert [name for name in found if name.startswith(".")] == []


def test_a_folder_that_is_renamed_in_the_middle(commands, folder):
    (folder / "deep").mkdir()
    for name in "abcd":
        (folder / f"{name}.py").rename(folder / "deep" / f"{name}.py")
    with stopped_at(commands, "deep/b.py", folder, "fill", "--write", "."):
        (folder / "deep").rename(folder / "elsewhere")
    code, _, err = commands.wait()
    assert code in {3, 6}
    assert "the file changed since it was read" in err
    assert not (folder / "deep").exists()
    found = contents(folder / "elsewhere")
    assert set(found) == set(PLANNED)
    assert [name for name in "bcd" if found[f"{name}.py"] != PLANNED[f"{name}.py"]] == []


def test_two_runs_on_the_same_files_write_each_once(folder, ran):
    for number in range(20):
        (folder / f"e{number}.py").write_text(f"e = <FILL_ME>{number}\n")
    before = contents(folder)
    both = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, SCRIPT, "fill", "--write", "--format", "json", "--fresh", "."],
            cwd=folder,
            env={**os.environ, "INFILL_STATE": f"{folder}.state", "ACTING_SYNC": "0.003"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    states, codes = [], []
    for process in both:
        with process:
            out, err = process.communicate(timeout=PATIENCE)
        assert b"Traceback" not in err
        states.append({one["path"]: one["status"] for one in json.loads(out)["files"]})
        codes.append(process.returncode)
    for name in before:
        found = [one.get(name) for one in states]
        assert found.count("written") == 1, (name, found)
        assert set(found) <= {"written", "failed", None}  # None: filled before it was looked at
    assert set(codes) <= {0, 3, 6}
    after = contents(folder)
    assert set(after) == set(before)
    assert all(after[name].count(b"<FILL_ME>") == 0 for name in after)
    assert len(runs(folder)) >= 2
    assert ran(folder, "runs")[0] == 0


def test_a_journal_of_another_version_or_of_no_use(ran, folder):
    assert ran(folder, "fill", "--write", ".")[0] == 0
    (path,) = Path(f"{folder}.state/runs").glob("2*.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE run SET value = '3' WHERE name = 'format'")
    db.close()
    for command in ("resume", "undo"):
        code, _, err = ran(folder, command, "last")
        assert (code, "another version of infill" in err) == (3, True)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE run SET value = '2' WHERE name = 'format'")
        db.execute("""UPDATE run SET value = '{"new": 1}' WHERE name = 'request'""")
    db.close()
    code, _, err = ran(folder, "resume", "last")
    assert (code, "infill undo works all the same" in err) == (3, True)
    assert ran(folder, "undo", "last")[0] == 0
    assert contents(folder) == PLANNED
    path.write_bytes(b"no database at all" * 100)
    for command in ("resume", "undo", "runs"):
        code, _, err = ran(folder, command, "last")
        assert (code, "the journal cannot be read" in err) == (3, True)
    assert ran(folder, "runs")[0] == 0
    assert ran(folder, "fill", "--write", ".")[0] == 0


def test_a_run_is_resumed_from_any_folder_but_not_without_its_own(ran, folder, tmp_path):
    assert ran(folder, "fill", "--write", "--limit", "2", ".")[0] == 1
    state = f"{folder}.state"
    (first,) = ids(folder)
    assert ran(tmp_path, "resume", first, INFILL_STATE=state)[0] == 0
    assert contents(folder) == FILLED
    assert ran(folder, "fill", ".")[0] == 0  # there is nothing to do, and nothing is kept of it
    assert ids(folder) == [first]
    assert ran(tmp_path, "undo", first, INFILL_STATE=state)[0] == 0
    assert contents(folder) == PLANNED
    assert ran(folder, "fill", "--limit", "2", ".")[0] == 1
    *_, last = ids(folder)
    folder.rename(folder.with_name("moved"))
    code, _, err = ran(tmp_path, "resume", last, INFILL_STATE=state)
    assert (code, "the run's folder is gone" in err) == (2, True)


def test_the_last_run_is_the_last_of_this_folder(ran, folder, tmp_path):
    state = f"{folder}.state"
    for command in ("resume", "undo", "runs"):
        code, _, err = ran(folder, command, "last")
        assert (code, "no run was started in this folder" in err) == (3, True)
    assert ran(folder, "fill", "--write", ".")[0] == 0
    (tmp_path / "e.py").write_text("e = <FILL_ME>\n")
    assert ran(tmp_path, "fill", "--write", ".", INFILL_STATE=state)[0] == 0
    assert "4 files are as before" in ran(folder, "undo", "last")[2]
    assert contents(folder) == PLANNED
    assert (tmp_path / "e.py").read_text() == "e = 14\n"
    (tmp_path / "below").mkdir()
    code, _, err = ran(tmp_path / "below", "undo", "last", INFILL_STATE=state)
    assert (code, "2 of other folders" in err) == (3, True)
    assert "1 file is as before" in ran(tmp_path, "undo", "last", INFILL_STATE=state)[2]


def test_the_traces_of_a_run_that_is_resumed_are_all_there(ran, folder):
    trace = folder.with_name("trace")
    assert ran(folder, "fill", "--limit", "2", "--trace", trace, ".")[0] == 1
    with trace.open("a") as file:
        file.write('{"schema": "cut o')
    assert ran(folder, "resume", "last")[0] == 0
    assert trace.read_text() == '{"schema": "acting"}\n' * 4
    assert ran(folder, "fill", "--trace", trace, "a.py")[0] == 0
    assert trace.read_text() == '{"schema": "acting"}\n'


def test_what_a_run_would_change_is_shown_from_any_folder(ran, folder, tmp_path):
    assert ran(folder, "fill", ".")[0] == 0
    _, out, _ = ran(tmp_path, "runs", *ids(folder), "--diff", INFILL_STATE=f"{folder}.state")
    assert out.count("+++ b/") == 4


def test_a_run_that_was_killed_while_it_was_planned_is_planned_again(ran, commands, folder):
    for number in range(400):
        (folder / f"e{number:04}.py").write_text("e = <FILL_ME>\n")
    pid = commands.start(folder, "fill", "--write", ".")
    while not any(name.endswith(".sqlite") for name in runs(folder)):
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    commands.wait()
    (path,) = Path(f"{folder}.state/runs").glob("2*.sqlite")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM texts").fetchone() == (0,)
    assert all(b"<FILL_ME>" in data for data in contents(folder).values())
    code, _, err = ran(folder, "resume", "last", "--quiet")
    assert code == 0, err
    assert all(b"<FILL_ME>" not in data for data in contents(folder).values())


def test_undo_twice_and_after_an_edit(ran, folder):
    assert ran(folder, "fill", "--write", ".")[0] == 0
    (folder / "b.py").write_bytes(b"mine\n")
    code, _, err = ran(folder, "undo", "last")
    assert (code, "b.py: it was changed since" in err) == (6, True)
    assert contents(folder) == {**FILLED, "b.py": b"mine\n"}
    (folder / "b.py").write_bytes(FILLED["b.py"])
    assert "4 files are as before" in ran(folder, "undo", "last")[2]
    assert contents(folder) == PLANNED
    code, _, err = ran(folder, "undo", "last")
    assert (code, "no files are written by" in err) == (0, True)
    assert contents(folder) == PLANNED
