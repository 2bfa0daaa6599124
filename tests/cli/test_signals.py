"""Real processes: Ctrl-C in the middle, a reader that goes away, a file size limit, a terminal."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = f"""
import sys, time
sys.path.insert(0, {str(HERE)!r})
import infill
from conftest import answering
from infill.models.scripted import Scripted

class Slow(Scripted):
    def __call__(self, canvases):
        print("forward", file=sys.stderr, flush=True)
        time.sleep({{pause}})
        return super().__call__(canvases)

model = answering([b"total"])
infill.load = lambda name: Slow(model.vocab, model.script)
from infill.cli import main, running
running.digest_of = lambda name: model.capabilities.digest
main(prog_name="infill")
"""
SOURCE = b"total = 1\nx = <FILL_ME>\n"


def names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


def start(*arguments, pause=0.0, **options):
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM.format(pause=pause), *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(SOURCE)
    return path


def test_ctrl_c_in_the_middle_of_a_fill_leaves_everything(source):
    with start("fill", "--write", source, pause=30) as process:
        assert process.stderr.readline() == b"forward\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (130, b"", b"interrupted\n")
    assert source.read_bytes() == SOURCE
    assert names(source.parent) == ["a.py"]


def test_a_reader_that_goes_away_is_no_error_to_speak_of(source):
    reader, writer = os.pipe()
    os.close(reader)
    with start("fill", "--quiet", source, stdout=writer) as process:
        os.close(writer)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 141
    assert stderr.replace(b"forward\n", b"") == b""


def test_a_file_size_limit_is_told_and_the_file_stays(source):
    source.write_bytes(SOURCE + b"# \n" * 100_000)  # more than the journal takes

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))

    with start("fill", "--write", source, preexec_fn=limit) as process:
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 3
    assert b"could not be replaced; it is as it was" in stderr
    assert source.read_bytes() == SOURCE + b"# \n" * 100_000
    assert names(source.parent) == ["a.py"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("models",), ("completion", "zsh")])
def test_a_full_standard_output_is_told(arguments):
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "infill", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 3
    assert result.stderr == (
        b"error: the output cannot be written\n  got: No space left on device\n"
    )


def on_a_terminal(*arguments, **environ):
    """What a command prints on a terminal of 60 by 20, and its exit code."""
    pid, terminal = pty.fork()
    if not pid:
        os.environ.pop("NO_COLOR", None)
        os.environ.update(TERM="xterm-256color", COLUMNS="60", LINES="20", **environ)
        os.execv(  # noqa: S606 - our own interpreter
            sys.executable,
            [sys.executable, "-c", PROGRAM.format(pause=0.06), *map(str, arguments)],
        )
    output, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 65_536)
            except OSError:  # how Linux says that the other side is gone
                break
            if not piece:
                break
            output += piece
    os.close(terminal)
    return output.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # pty.fork under threads
def test_a_terminal_sees_the_denoising_happen(source):
    output, code = on_a_terminal("fill", source)
    assert code == 0
    assert "▢▢▢▢▢" in output
    assert "tick 3 · 2 open" in output
    assert "\x1b[32m+x = total\x1b[0m" in output


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_no_color_leaves_the_live_view_without_colors(source):
    output, code = on_a_terminal("fill", source, NO_COLOR="1")
    assert code == 0
    assert "▢▢▢▢▢" in output
    assert "\x1b[3" not in output.replace("\x1b[3F", "")
    assert (
        textwrap.dedent("""\
        -x = <FILL_ME>\r
        +x = total\r
        """)
        in output
    )
