"""`infill.edit.files`: bytes in, the same bytes out elsewhere, and never half a file."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.edit.files import open_file, replace_file, require_writable
from infill.errors import EncodingError, InputError, PathError, StaleError, WriteError
from infill.limits import Limits
from infill.text import Span, TextEdit, apply_edits

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ""])
LINES = st.lists(st.tuples(st.text(st.characters(exclude_characters="\0")), LINE_ENDS), max_size=8)
MODES = st.sampled_from([0o600, 0o644, 0o664, 0o755, 0o200 | 0o444])


def names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


@st.composite
def texts(draw):
    bom = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return bom + "".join(line + end for line, end in draw(LINES)).encode()


@given(before=texts(), after=texts(), mode=MODES, linked=st.booleans())
def test_a_replaced_file_holds_the_new_bytes_and_keeps_mode_and_link(before, after, mode, linked):
    with tempfile.TemporaryDirectory() as folder:
        real = Path(folder, "real.py")
        real.write_bytes(before)
        real.chmod(mode)
        path = Path(folder, "link.py") if linked else real
        if linked:
            path.symlink_to("real.py")
        beside = names(folder)

        replace_file(open_file(path), after)

        assert after == real.read_bytes()
        assert mode == stat.S_IMODE(real.stat().st_mode)
        assert linked == path.is_symlink()
        assert names(folder) == beside


@given(before=texts(), data=st.data())
def test_bytes_outside_an_edit_survive_reading_editing_and_replacing(before, data):
    start = data.draw(st.integers(0, len(before)))
    stop = data.draw(st.integers(start, len(before)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.py")
        path.write_bytes(before)
        opened = open_file(path)

        replace_file(opened, apply_edits(opened.source.data, [TextEdit(Span(start, stop), b"x")]))

        assert before[:start] + b"x" + before[stop:] == path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_is_kept_where_that_is_permitted(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"a")
    os.chown(path, 1234, 4321)

    replace_file(open_file(path), b"b")

    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.parametrize("name", ["x" * 255, "ünï \U0001d4b3.py", "-w"])
def test_any_name_that_a_file_can_have_will_do(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"a")
    replace_file(open_file(path), b"b")
    assert path.read_bytes() == b"b"


def test_a_chain_of_links_in_other_folders_stays(tmp_path):
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.py"
    real.write_bytes(b"a")
    (tmp_path / "one.py").symlink_to("there/real.py")
    (tmp_path / "two.py").symlink_to("one.py")

    replace_file(open_file(tmp_path / "two.py"), b"b")

    assert real.read_bytes() == b"b"
    assert str((tmp_path / "two.py").readlink()) == "one.py"
    assert str((tmp_path / "one.py").readlink()) == "there/real.py"
    assert names(tmp_path / "there") == ["real.py"]


def test_a_missing_file_is_told_with_a_suggestion(tmp_path):
    (tmp_path / "first.py").touch()
    with pytest.raises(PathError, match=r"no such file[\s\S]*did you mean .*first\.py"):
        open_file(tmp_path / "fist.py")


def test_a_directory_is_told(tmp_path):
    with pytest.raises(PathError, match="this is a directory"):
        open_file(tmp_path)


def test_a_named_pipe_is_told_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PathError, match="this is a named pipe"):
        open_file(tmp_path / "pipe")


def test_a_device_is_told():
    with pytest.raises(PathError, match="this is a device"):
        open_file(Path("/dev/null"))


def test_a_link_to_itself_is_told(tmp_path):
    (tmp_path / "a.py").symlink_to("a.py")
    with pytest.raises(PathError, match="cannot be read"):
        open_file(tmp_path / "a.py")


def test_a_path_through_a_file_is_told(tmp_path):
    (tmp_path / "a.py").touch()
    with pytest.raises(PathError, match="cannot be read"):
        open_file(tmp_path / "a.py" / "b.py")


@pytest.mark.parametrize("data", [b"a\0b", b"caf\xe9", b"\xff\xfea\x00"])
def test_binary_and_other_encodings_are_told(tmp_path, data):
    (tmp_path / "a.py").write_bytes(data)
    with pytest.raises(EncodingError, match=r"a\.py"):
        open_file(tmp_path / "a.py")


def test_a_file_above_the_limit_is_told(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="too long"):
        open_file(tmp_path / "a.py", limits=Limits(text=10))


def test_a_file_without_a_write_bit_is_read_only_even_for_root(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"a")
    path.chmod(0o444)
    opened = open_file(path)
    for attempt in (lambda: require_writable(opened), lambda: replace_file(opened, b"b")):
        with pytest.raises(WriteError, match="read-only"):
            attempt()
    assert path.read_bytes() == b"a"
    assert names(tmp_path) == ["a.py"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a fork beside threads
@pytest.mark.parametrize(
    ("folder_mode", "mode", "said"),
    [(0o777, 0o644, "the file is read-only"), (0o755, 0o666, "which must be writable")],
)
def test_somebody_without_permission_is_told(folder_mode, mode, said):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(folder_mode)
        path = Path(folder, "a.py")
        path.write_bytes(b"a")
        path.chmod(mode)
        reader, writer = os.pipe()
        if not (child := os.fork()):
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            try:
                replace_file(open_file(path), b"b")
            except WriteError as error:
                os.write(writer, str(error).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader) as told:
            assert said in told.read()
        assert path.read_bytes() == b"a"
        assert names(folder) == ["a.py"]


@pytest.mark.parametrize("change", ["edit", "remove", "relink"])
def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path, change):
    path = tmp_path / "a.py"
    (tmp_path / "real.py").write_bytes(b"a")
    (tmp_path / "other.py").write_bytes(b"a")
    path.symlink_to("real.py")
    opened = open_file(path)
    if change == "edit":
        path.write_bytes(b"mine")
    elif change == "remove":
        (tmp_path / "real.py").unlink()
    else:
        path.unlink()
        path.symlink_to("other.py")
    before = {name: (tmp_path / name).read_bytes() for name in _existing(tmp_path)}

    with pytest.raises(StaleError, match="changed"):
        replace_file(opened, b"b")

    assert before == {name: (tmp_path / name).read_bytes() for name in _existing(tmp_path)}


def _existing(folder):
    return [name for name in names(folder) if (folder / name).exists()]


@pytest.mark.parametrize("call", ["fsync", "fchmod"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_a_full_disk_or_ctrl_c_leaves_the_file_and_nothing_beside_it(
    tmp_path, monkeypatch, call, error
):
    path = tmp_path / "a.py"
    path.write_bytes(b"a")
    opened = open_file(path)

    def fail(*_):
        raise error

    monkeypatch.setattr(os, call, fail)
    expected = WriteError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        replace_file(opened, b"b")

    assert path.read_bytes() == b"a"
    assert names(tmp_path) == ["a.py"]


def test_ctrl_c_while_renaming_leaves_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"a")
    opened = open_file(path)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(opened, b"b")
    assert path.read_bytes() == b"a"
    assert names(tmp_path) == ["a.py"]


def test_a_folder_that_cannot_be_synced_is_no_error_once_the_file_is_there(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"a")
    real = os.open

    def refuse(path, flags, *rest, **named):
        if Path(path) == tmp_path:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, flags, *rest, **named)

    opened = open_file(path)
    monkeypatch.setattr(os, "open", refuse)
    replace_file(opened, b"b")
    assert path.read_bytes() == b"b"
