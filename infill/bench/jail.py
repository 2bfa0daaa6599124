"""The inside of the sandbox: runs the program on standard input; see `sandbox`.

This file is run by path in an interpreter of its own, and imports nothing of the library. The
first line of the input is a secret, which is written to the descriptor that the command line names
when the program has run to its end; so leaving early is no way to pass.

Two walls stand around the program, besides bounds on what it may use. Python's audit hooks
(PEP 578) refuse to write, delete or rename files, to start or signal processes, to connect, and to
load what could do that unseen. They stop what is clumsy, anywhere, but not what is cunning. On
Linux (x86-64) the kernel refuses the same by a list of the system calls that are allowed (seccomp),
and there is no way around that from within.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any

SECONDS, MEMORY = 5, 1 << 30  # processor time; bytes of address space
REFUSED = (
    *("os.", "socket.", "subprocess.", "shutil.", "ctypes.", "signal.", "gc.", "resource."),
    *("mmap.", "pty.", "fcntl.", "sqlite3.", "tempfile.", "syslog.", "urllib.", "winreg."),
)
HARMLESS = frozenset({"os.listdir", "os.scandir", "os.walk", "os.putenv", "os.unsetenv"})
UNSEEN = frozenset(
    {"_posixsubprocess", "_multiprocessing", "_posixshmem", "_ctypes", "_sqlite3", "_ssl"}
    | {"_dbm", "_gdbm", "_tkinter", "_curses", "readline", "_testcapi", "_interpreters"}
)
"""Modules that reach the system and say nothing of it to a hook."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
ALLOWED = (
    *(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20),  # files and memory
    *(21, 23, 24, 25, 28, 32, 33, 35, 36, 37, 38, 39, 60, 63, 79, 89),
    *(96, 97, 98, 99, 100, 102, 104, 107, 108, 110, 131, 158, 186),
    *(201, 202, 204, 217, 218, 228, 229, 230, 231, 262, 267, 269, 270, 271, 273),
    *(292, 318, 324, 332, 334, 439),
)
"""System calls of x86-64 that a program which computes may make; the rest are refused."""
OPEN, OPENAT, IOCTL, FCNTL, CLONE, PRLIMIT, CLONE3 = 2, 257, 16, 72, 56, 302, 435
QUESTIONS = ((IOCTL, (0x5401, 0x5450, 0x5451)), (FCNTL, (0, 1, 2, 3, 1030)))
"""Calls whose second argument must be one of these: is it a terminal, is it inherited."""
THREAD = 0x10000
ARCH, X86_64, X32 = 4, 0xC000003E, 0x40000000
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026  # EPERM; ENOSYS
LOAD, EQUAL, SET, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06

Instruction = tuple[int, int, int, int]


def bound() -> None:
    """What may be used of processor time and memory; no file can grow."""
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def watchman() -> Callable[[str, tuple[Any, ...]], None]:
    """The audit hook. It holds what it calls, so that a program cannot put something else there."""
    refused, harmless, unseen, writing = REFUSED, HARMLESS, UNSEEN, WRITING
    a_text, a_number, marks = str, int, frozenset("wax+")
    is_a, error = isinstance, PermissionError

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            _, mode, flags = args
            if (is_a(flags, a_number) and flags & writing) or (
                is_a(mode, a_text) and not marks.isdisjoint(mode)
            ):
                raise error(event)
        elif event == "import":
            if args[0] in unseen:
                raise error(event)
        elif event.startswith(refused) and event not in harmless:
            raise error(event)

    return watch


def calls() -> Iterator[Instruction]:
    """The kernel's filter, in classic BPF: what is not allowed returns EPERM."""
    yield LOAD, 0, 0, ARCH
    yield EQUAL, 1, 0, X86_64
    yield RETURN, 0, 0, REFUSE
    yield LOAD, 0, 0, 0
    yield AT_LEAST, 0, 1, X32
    yield RETURN, 0, 0, REFUSE
    for number in ALLOWED:
        yield EQUAL, 0, 1, number
        yield RETURN, 0, 0, ALLOW
    yield EQUAL, 0, 1, CLONE3
    yield RETURN, 0, 0, UNKNOWN  # so that the C library takes `clone`, whose flags can be seen
    for number, argument in ((OPEN, 1), (OPENAT, 2)):
        yield from (
            (EQUAL, 0, 3, number),
            (LOAD, 0, 0, _low(argument)),
            (SET, 1, 0, WRITING),
            (RETURN, 0, 0, ALLOW),
        )
        yield LOAD, 0, 0, 0
    for number, answers in QUESTIONS:
        yield EQUAL, 0, 2 + 2 * len(answers), number
        yield LOAD, 0, 0, _low(1)
        for answer in answers:
            yield EQUAL, 0, 1, answer
            yield RETURN, 0, 0, ALLOW
        yield RETURN, 0, 0, REFUSE
    yield EQUAL, 0, 3, CLONE
    yield LOAD, 0, 0, _low(0)
    yield SET, 0, 1, THREAD
    yield RETURN, 0, 0, ALLOW
    yield LOAD, 0, 0, 0
    yield EQUAL, 0, 5, PRLIMIT  # may ask for limits, and set none
    yield LOAD, 0, 0, _low(2)
    yield EQUAL, 0, 3, 0
    yield LOAD, 0, 0, _low(2) + 4
    yield EQUAL, 0, 1, 0
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, REFUSE


def seal() -> None:
    """Let the kernel refuse; where it cannot, the audit hook stands alone."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return
    import ctypes  # noqa: PLC0415 - only here

    class Instructions(ctypes.Structure):
        _fields_ = (("count", ctypes.c_ushort), ("first", ctypes.c_void_p))

    code = b"".join(
        kind.to_bytes(2, "little") + bytes((yes, no)) + value.to_bytes(4, "little")
        for kind, yes, no, value in calls()
    )
    held = ctypes.create_string_buffer(code, len(code))
    filter_ = Instructions(len(code) // 8, ctypes.addressof(held))
    prctl = ctypes.CDLL(None).prctl
    prctl(38, 1, 0, 0, 0)  # no new privileges
    prctl(22, 2, ctypes.byref(filter_), 0, 0)  # filter system calls


def main() -> None:
    """Read, shut the doors, run, and tell."""
    told = int(sys.argv[1])
    secret, _, program = sys.stdin.buffer.read().partition(b"\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    write, leave = os.write, os._exit
    bound()
    seal()
    sys.addaudithook(watchman())
    exec(compile(program, "<program>", "exec"), {"__name__": "program"})  # noqa: S102 - its purpose
    write(told, secret)
    leave(0)


def _low(argument: int) -> int:
    """Where the low half of an argument of the call lies."""
    return 16 + 8 * argument


if __name__ == "__main__":
    main()
