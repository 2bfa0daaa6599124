"""How runs end: their exit codes, the bounds they may have, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

NAMES = "abcdef"
PLANNED = {f"{name}.py": f"{name} = <FILL_ME>\n".encode() for name in NAMES}
FILLED = {f"{name}.py": f"{name} = 14\n".encode() for name in NAMES}


@pytest.fixture
def ran(commands):
    return commands.run


@pytest.fixture
def folder(bases):
    (folder := next(bases) / "files").mkdir()
    for name, data in PLANNED.items():
        (folder / name).write_bytes(data)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def states(ran, folder, run="last"):
    _, out, _ = ran(folder, "runs", run, "--format", "json")
    return [json.loads(line)["state"] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("fill", "a.py"), 0),
        (("fill", "--write", "."), 0),
        (("fill", "--check", "a.py"), 1),
        (("fill", "--diff", "a.py"), 1),
        (("fill", "--write", "--limit", "1", "."), 1),
        (("fill", "--no-such-option", "a.py"), 2),
        (("fill", "--write", "--check", "a.py"), 2),
        (("fill", "gone.py"), 2),
        (("fill", "good.py"), 2),
        (("fill", "a.py", "a.py"), 2),
        (("fill", "--policy", "no-such", "a.py"), 2),
        (("batch", "gone.jsonl"), 2),
        (("fill", "--write", "a.py", "hopeless.py"), 3),
        (("resume", "last"), 3),
        (("fill", "--write", "hopeless.py"), 4),
        (("fill", "--write", "a.py", "--verify-cmd", "grep FILL_ME {path}"), 4),
        (("fill", "--write", "a.py", "--model", "broken"), 5),
        (("fill", "--write", "read-only.py"), 3),
    ],
)
def test_exit_codes(ran, folder, arguments, code):
    (folder / "good.py").write_bytes(b"x = 1\n")
    (folder / "hopeless.py").write_bytes(b"hopeless = <FILL_ME>\n")
    (folder / "read-only.py").write_bytes(b"x = <FILL_ME>\n")
    if "." in arguments:
        (folder / "hopeless.py").unlink()
    (folder / "read-only.py").chmod(0o444)
    if "." in arguments:
        (folder / "read-only.py").unlink()
    found, _, err = ran(folder, *arguments)
    assert found == code, err


@pytest.mark.parametrize(
    "command", [("check",), ("fill", "--write"), ("rewrite", "--lines", "1"), ("revise", "--check")]
)
def test_what_cannot_be_read_on_the_way_is_no_success(ran, folder, dig, command):
    dig(folder)
    code, _, err = ran(folder, *command, ".")
    assert code == 3
    assert "error: the folder cannot be read" in err
    assert "error: the file cannot be read" in err
    assert ("not read: 2" if command[0] == "check" else "2 failed") in err
    done = FILLED if "--write" in command else PLANNED
    assert {name: data for name, data in contents(folder).items() if name in PLANNED} == done


def test_all_or_nothing_is_nothing_where_a_folder_cannot_be_read(ran, folder, dig):
    dig(folder)
    code, _, err = ran(folder, "fill", "--write", "--all-or-nothing", ".")
    assert (code, "nothing was written" in err) == (2, True)
    assert contents(folder) == PLANNED


def test_check_never_writes(ran, folder):
    (folder / "hopeless.py").write_bytes(b"hopeless = <FILL_ME>\n")
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    for options in ((), ("--all-or-nothing",), ("--jobs", "2"), ("--format", "json")):
        assert ran(folder, "fill", "--check", ".", *options)[0] == 3
        assert ran(folder, "resume", "last")[0] == 3
    assert before == {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    assert ran(folder, "undo", "last")[0] == 0


@pytest.mark.parametrize(
    ("option", "failed"), [(("--fail-fast",), 1), (("--max-failures", "2"), 2)]
)
def test_failures_end_a_run_and_resuming_goes_on_after_them(ran, folder, option, failed):
    for name in "bd":
        (folder / f"{name}.py").write_bytes(b"hopeless = <FILL_ME>\n")
    assert ran(folder, "fill", "--write", *option, ".")[0] == 3
    found = states(ran, folder)
    assert (found.count("failed"), found.count("planned")) == (failed, 4 if failed == 1 else 2)
    assert ran(folder, "resume", "last")[0] == 3
    if failed == 1:  # the next failure ends it again
        assert states(ran, folder).count("planned") == 2
        assert ran(folder, "resume", "last")[0] == 3
    assert states(ran, folder) == ["written", "failed", "written", "failed", "written", "written"]


def test_a_limit_and_a_deadline_end_a_run_and_resuming_does_the_rest(ran, folder):
    assert ran(folder, "fill", "--write", "--limit", "2", ".")[0] == 1
    assert states(ran, folder) == ["written"] * 2 + ["planned"] * 4
    assert ran(folder, "resume", "last")[0] == 0
    assert contents(folder) == FILLED
    assert ran(folder, "undo", "last")[0] == 0
    command = ("fill", "--write", "--fresh", "--deadline", "0.08", ".")
    assert ran(folder, *command, ACTING_PAUSE="0.06")[0] == 1
    assert states(ran, folder).count("planned")
    assert ran(folder, "resume", "last")[0] == 0
    assert contents(folder) == FILLED


def test_all_or_nothing_with_a_limit_writes_nothing_until_all_is_done(ran, folder):
    assert ran(folder, "fill", "--write", "--all-or-nothing", "--limit", "2", ".")[0] == 1
    assert contents(folder) == PLANNED
    assert ran(folder, "resume", "last")[0] == 0
    assert contents(folder) == FILLED


@pytest.mark.parametrize("victim", NAMES)
def test_all_or_nothing_where_any_of_the_writes_fails(commands, ran, folder, victim):
    command = ("fill", "--write", "--all-or-nothing", ".")
    pid = commands.start(folder, *command, ACTING_PAUSE="0.02")
    commands.wait_for("working on f.py")
    os.kill(pid, signal.SIGSTOP)
    (folder / f"{victim}.py").chmod(0o444)
    os.kill(pid, signal.SIGCONT)
    code, _, err = commands.wait()
    assert (code, f"the file is read-only\n  where: {victim}.py" in err) == (3, True)
    assert contents(folder) == PLANNED
    assert states(ran, folder) == ["failed" if name == victim else "done" for name in NAMES]
    (folder / f"{victim}.py").chmod(0o644)
    assert ran(folder, "resume", "last")[0] == 0
    assert contents(folder) == FILLED
    assert ran(folder, "undo", "last")[0] == 0
    assert contents(folder) == PLANNED


def test_all_or_nothing_that_was_killed_halfway_and_then_fails_is_nothing(commands, ran, folder):
    command = ("fill", "--write", "--all-or-nothing", ".")
    pid = commands.start(folder, *command, ACTING_SYNC="0.01")
    while (folder / "b.py").read_bytes() == PLANNED["b.py"]:
        pass
    os.kill(pid, signal.SIGKILL)
    commands.wait()
    (folder / "f.py").write_bytes(b"mine\n")
    code, _, err = ran(folder, "resume", "last")
    assert (code, "f.py" in err) == (6, True)
    assert contents(folder) == {**PLANNED, "f.py": b"mine\n"}


def test_what_was_done_before_a_crash_is_verified_before_it_is_written(commands, ran, folder):
    log = folder.with_name("log")
    command = f"sh -c 'echo {{path}} >> {log}; sleep 0.2; ! grep -q 14 {{path}}'"
    options = ("--verify-cmd", command, "--jobs", "1")
    pid = commands.start(folder, "fill", "--write", ".", *options)
    while not log.exists():
        pass
    os.kill(pid, signal.SIGKILL)  # all are done by now, none is verified
    commands.wait()
    assert "done" in states(ran, folder)
    code, _, err = ran(folder, "resume", "last")
    assert (code, "finds more wrong than before" in err) == (4, True)
    assert contents(folder) == PLANNED


def test_a_file_with_changes_that_are_not_committed(ran, folder):
    def git(*words):
        own = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607

    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    (folder / "b.py").write_bytes(b"b = <FILL_ME>  # mine\n")
    code, _, err = ran(folder, "fill", "--write", "b.py")
    assert (code, "not committed" in err) == (6, True)
    assert (folder / "b.py").read_bytes() == b"b = <FILL_ME>  # mine\n"
    code, _, err = ran(folder, "fill", "--write", "--all-or-nothing", ".")
    assert (code, contents(folder)["a.py"]) == (6, PLANNED["a.py"])
    assert ran(folder, "fill", "--write", ".")[0] == 3
    assert contents(folder) == {**FILLED, "b.py": b"b = <FILL_ME>  # mine\n"}
    assert ran(folder, "fill", "--write", "--allow-dirty", "b.py")[0] == 0
    assert (folder / "b.py").read_bytes() == b"b = 22  # mine\n"


def test_a_link_out_of_the_root(ran, folder):
    outside = folder.with_name("outside.py")
    outside.write_bytes(b"x = <FILL_ME>\n")
    (folder / "link.py").symlink_to(outside)
    code, _, err = ran(folder, "fill", "--write", "link.py")
    assert (code, "a link leads out of the root" in err) == (2, True)
    code, _, err = ran(folder, "fill", "--write", ".")
    assert (code, "link out of the root" in err) == (0, True)
    (folder / "jobs.jsonl").write_text(json.dumps({"path": "link.py"}) + "\n")
    ran(folder, "batch", "--write", "jobs.jsonl")
    assert outside.read_bytes() == b"x = <FILL_ME>\n"
    assert Path(folder / "link.py").is_symlink()
