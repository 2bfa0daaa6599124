"""Runs programs that a model wrote, so that they can do no harm.

Each gets an interpreter of its own in an empty folder that is removed afterwards, with nothing of
the environment, no library but Python's own, and bounds on processor time, memory and files; it can
write no file, start or signal no process and reach no network. How that is held is told in `jail`,
with what is held less well where there is no Linux. It can read what this user can read, and has no
way to tell anyone.

>>> passes("assert 1 + 1 == 2"), passes("import sys; sys.exit(0)")
(True, False)
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from infill.bench.jail import SECONDS

JAIL = Path(__file__).with_name("jail.py")
PATIENCE = 4 * SECONDS
"""Seconds by the clock after which a program that waits, or gets no processor, is ended."""


def passes(program: str, *, patience: float = PATIENCE) -> bool:
    """Whether a program runs to its very end; one that leaves by itself does not."""
    secret = secrets.token_hex(16).encode()
    hear, tell = os.pipe()
    try:
        with tempfile.TemporaryDirectory(prefix="infill-bench-") as folder:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-I", "-S", "-B", str(JAIL), str(tell)],
                cwd=folder,
                env={"PATH": os.defpath},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(tell,),
                start_new_session=True,
            )
            try:
                process.communicate(secret + b"\n" + program.encode(), timeout=patience)
            except subprocess.TimeoutExpired:
                return False
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
                process.communicate()
            os.set_blocking(hear, False)
            with suppress(BlockingIOError):
                return process.returncode == 0 and os.read(hear, 2 * len(secret)) == secret
            return False
    finally:
        os.close(hear)
        os.close(tell)
