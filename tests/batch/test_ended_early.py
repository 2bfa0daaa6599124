"""Real processes that are killed, interrupted and told to end, with their workers and commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("acting.py")
OWN = ("run", "ms", "seconds", "forwards_per_second")
"""What is another for each run."""
PATIENCE = 60


@pytest.fixture
def folder(tmp_path):
    """A folder of twelve files; where the runs over them are kept is beside it."""
    (folder := tmp_path / "files").mkdir()
    for number in range(12):
        holes = "".join(f"    v{k} = <FILL_ME>\n" for k in range(1 + number // 3))
        source = f"def f{number}(total, count):\n{holes}    return total\n"
        (folder / f"f{number:02}.py").write_text(source)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def start(folder, *arguments, real=False, **environment):
    command = ("-m", "infill") if real else (SCRIPT,)
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, *command, *arguments],
        cwd=folder,
        env={**os.environ, "INFILL_STATE": f"{folder}.state", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def ran(*arguments, **options):
    with start(*arguments, **options) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err.decode()


def alive(folder):
    """The processes that were started for a folder, by what is in their environment."""
    mark, found = f"INFILL_STATE={folder}.state".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue  # it ended meanwhile, or is another's
    return found


def wait_until(true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def stripped(found):
    if isinstance(found, dict):
        return {name: stripped(value) for name, value in found.items() if name not in OWN}
    return [stripped(one) for one in found] if isinstance(found, list) else found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are seen in /proc")
def test_the_real_model_killed_terminated_interrupted_and_resumed(folder, tmp_path):
    before, other = contents(folder), tmp_path / "other"
    shutil.copytree(folder, other)
    # with one thread scores are the same to the bit, whatever texts share a forward
    command = ("fill", "--write", "--jobs", "2", "--threads", "1", "--format", "json", ".")
    code, whole, err = ran(other, *command, real=True)
    assert code == 0, err

    with start(folder, *command, real=True) as process:
        wait_until(lambda: contents(folder) != before)
        process.kill()
    wait_until(lambda: not alive(folder))
    for end, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        with start(folder, "resume", "last", real=True) as process:
            wait_until(lambda: len(alive(folder)) == 3)
            time.sleep(0.2)
            if end == signal.SIGTERM:
                process.terminate()
            else:
                os.killpg(process.pid, end)
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, alive(folder)) == (code, []), err
        assert "Traceback" not in err.decode()
        assert "infill resume" in err.decode()
    code, out, err = ran(folder, "resume", "last", real=True)
    assert code == 0, err
    assert contents(folder) == contents(other)
    assert stripped(json.loads(out)) == stripped(json.loads(whole))
    assert alive(folder) == []


ENDS = [
    pytest.param(lambda process: process.terminate(), 143, id="SIGTERM"),
    pytest.param(lambda process: process.send_signal(signal.SIGINT), 130, id="SIGINT"),
    pytest.param(lambda process: os.killpg(process.pid, signal.SIGINT), 130, id="Ctrl-C"),
]


@pytest.mark.parametrize(("end", "code"), ENDS)
@pytest.mark.parametrize("options", [(), ("--all-or-nothing",)], ids=["each", "all"])
def test_ended_in_the_middle_a_run_can_be_resumed(folder, end, code, options):
    before = contents(folder)
    command = ("fill", "--write", *options, ".")
    with start(folder, *command, ACTING_PAUSE="0.05") as process:
        for line in process.stderr:
            if b"working on f03.py" in line:
                break
        end(process)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert b"infill resume" in err
    assert b"Traceback" not in err
    left = [name for name, data in contents(folder).items() if data == before[name]]
    assert len(left) == 12 if options else 9 <= len(left) < 12
    assert ran(folder, "resume", "last")[0] == 0
    assert all(b"<FILL_ME>" not in data for data in contents(folder).values())
    assert ran(folder, "undo", "last")[0] == 0
    assert contents(folder) == before


@pytest.mark.parametrize(("end", "code"), ENDS)
def test_ended_while_all_or_nothing_is_delivered_nothing_is(folder, end, code):
    before = contents(folder)
    with start(folder, "fill", "--write", "--all-or-nothing", ".", ACTING_SYNC="0.01") as process:
        wait_until(lambda: contents(folder) != before)
        end(process)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert contents(folder) == before
    assert ran(folder, "resume", "last")[0] == 0
    assert all(b"<FILL_ME>" not in data for data in contents(folder).values())


@pytest.mark.parametrize("command", ["sleep 60", "sh -c 'sleep 60 & wait' {path}"])
def test_a_verify_command_that_hangs(folder, command):
    before = contents(folder)
    options = ("--verify-cmd", command, "--verify-timeout", "0.5", "--jobs", "2")
    code, out, err = ran(folder, "fill", "--write", "f00.py", "f01.py", *options)
    assert (code, out) == (4, b""), err
    assert "did not come back" in err
    assert contents(folder) == before
    assert alive(folder) == []


@pytest.mark.parametrize("command", ["sleep 60", "sh -c 'sleep 60 & wait' {path}"])
@pytest.mark.parametrize(("end", "code"), ENDS[::2])
def test_ended_while_a_verify_command_hangs(folder, command, end, code):
    before = contents(folder)
    options = ("--verify-cmd", command, "--jobs", "2")
    with start(folder, "fill", "--write", ".", *options) as process:
        wait_until(lambda: len(alive(folder)) > 1)
        time.sleep(0.1)
        began = time.monotonic()
        end(process)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, time.monotonic() - began < 10) == (code, True)
    assert b"Traceback" not in err
    assert alive(folder) == []
    assert contents(folder) == before
