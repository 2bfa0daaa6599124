"""Files: read one to work on, and put a new text in its place, or leave it as it was.

The new text is written next to the old one, synced, and renamed over it, so that no moment
exists in which the file is half written. Bytes go in and bytes come out: line endings, a
byte-order mark and a missing final newline are none of this module's business. A symbolic
link is followed and stays; a hard link to the file keeps the old text.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     path = Path(folder, "a.py")
...     size = path.write_bytes(b"a = 1\\r\\n")
...     replace_file(open_file(path), b"a = 22\\r\\n")
...     path.read_bytes()
b'a = 22\\r\\n'
"""

from __future__ import annotations

import difflib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infill.errors import InputError, PathError, StaleError, WriteError
from infill.limits import DEFAULT, Limits
from infill.text import Source

SPECIAL = (
    ("a named pipe", stat.S_ISFIFO),
    ("a socket", stat.S_ISSOCK),
    ("a device", stat.S_ISCHR),
    ("a device", stat.S_ISBLK),
)
ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file as it was when it was read.

    path     as the caller named it; errors use it
    target   the file itself, every link on the way resolved
    digest   sha256 of its bytes
    """

    path: Path
    target: Path
    source: Source
    digest: str


def open_file(path: Path, *, limits: Limits = DEFAULT) -> OpenedFile:
    """Read a text file.

    Raises PathError for what is missing or no regular file, EncodingError for what is binary
    or not UTF-8, and InputError above `limits.text` bytes.
    """
    try:
        target = path.resolve(strict=True)
        status = target.stat()
        _require_regular(path, status.st_mode)
        _require_size(path, status.st_size, limits)
        data = target.read_bytes()
    except FileNotFoundError as error:
        raise PathError("there is no such file", where=str(path), hint=_similar(path)) from error
    # a loop of links, up to Python 3.12; a name with a NUL
    except (OSError, RuntimeError, ValueError) as error:
        raise PathError(
            "the file cannot be read", where=str(path), got=_reason(error), expected="a text file"
        ) from error
    _require_size(path, len(data), limits)  # it may have grown since
    source = Source.of(data, str(path))
    return OpenedFile(path, target, source, digest_of(data))


def require_writable(opened: OpenedFile) -> None:
    """Raise WriteError when the file is read-only.

    A file without any write bit counts, also for root, who could write it all the same.
    """
    mode = opened.target.stat().st_mode
    if not mode & ANY_WRITE or not os.access(opened.target, os.W_OK):
        raise WriteError(
            "the file is read-only",
            where=str(opened.path),
            expected="write permission",
            got=stat.filemode(mode),
            hint=f"chmod u+w {opened.path}",
        )


def temporary_of(target: Path, token: str) -> Path:
    """Where the new text of a file is written before it takes the file's place."""
    return target.with_name(f".infill-{token}.tmp")


def replace_file(opened: OpenedFile, data: bytes, *, token: str | None = None) -> None:
    """Put `data` in the place of the file, all of it or nothing; mode and owner are kept.

    token   names the file that is written first, for whoever cleans up after `kill -9`

    Raises StaleError when the file is no longer what was read, and WriteError when it cannot
    be replaced; it is then as it was, and nothing is left beside it.
    """
    # the name is chosen before the file exists, so that an interruption never orphans it
    temporary = temporary_of(opened.target, token or secrets.token_hex(8))
    try:
        _require_fresh(opened)  # early, so that nothing is written in vain
        require_writable(opened)
        _write(temporary, data, like=opened.target.stat())
        with _alone(opened.target.parent):
            _require_fresh(opened)  # late: others of us are kept out, and the moment is short
            temporary.replace(opened.target)
    except OSError as error:
        raise WriteError(
            "the file could not be replaced; it is as it was",
            where=str(opened.path),
            got=_reason(error),
            hint=_advice(error, opened.target.parent),
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    _sync_folder(opened.target.parent)


def _write(path: Path, data: bytes, *, like: os.stat_result) -> None:
    """A new file with the mode and, where permitted, the group and owner of another."""
    with path.open("xb") as file:
        for owner in ((-1, like.st_gid), (like.st_uid, -1)):
            with suppress(OSError):  # only root may give files away
                os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep other runs from replacing files of a folder meanwhile; some file systems cannot."""
    with ExitStack() as stack:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _sync_folder(folder: Path) -> None:
    """Make the rename last; some file systems cannot, and by now it is done all the same."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _require_fresh(opened: OpenedFile) -> None:
    try:
        target = opened.path.resolve(strict=True)
        there = target == opened.target
        same = there and target.is_file() and digest_of(target.read_bytes()) == opened.digest
        got = "other bytes" if there else f"a link to {target}"
    except (OSError, RuntimeError) as error:
        same, got = False, _reason(error)
    if not same:
        raise StaleError(
            "the file changed since it was read",
            where=str(opened.path),
            got=got,
            hint="run again; it was left alone",
        )


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        what, hint = "a directory", f"name the files in it, for instance {path}/*.py"
    else:
        what = next((name for name, test in SPECIAL if test(mode)), "something else")
        hint = "name a regular file, or use - for standard input"
    raise PathError(f"this is {what}", where=str(path), expected="a regular file", hint=hint)


def _require_size(path: Path, size: int, limits: Limits) -> None:
    if size > limits.text:
        raise InputError(
            "the file is too long",
            where=str(path),
            expected=f"up to {limits.text} bytes (limits.text)",
            got=f"{size} bytes",
        )


def _similar(path: Path) -> str:
    try:
        names = os.listdir(path.parent)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.with_name(close[0])}?" if close else ""


def digest_of(data: bytes) -> str:
    """The sha256 of a file's bytes, as hex."""
    return hashlib.sha256(data).hexdigest()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def _advice(error: OSError, folder: Path) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"free some space: the new text is first written to {folder}"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"the new text is first written to {folder}, which must be writable"
        case _:
            return ""
