"""`infill apply`: all files or none, each only if it is the one that was meant."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import infill.batch.apply as applying
from infill.batch.formats import document, jsonl
from infill.batch.patch import patch_of
from infill.batch.report import Entry, Totals
from infill.batch.task import Outcome
from infill.cli import main
from infill.errors import InfillError, InputError, StaleError, WriteError
from infill.text import Span, TextEdit

FILES = {
    "a.py": (b"x = 1\r\ny = 2\r\n", [TextEdit(Span(4, 5), b"10")]),
    "d/b c.py": (b"def f():\n    return 0\n", [TextEdit(Span(20, 21), "'ü'".encode())]),
    "e.txt": (b"one\ntwo", [TextEdit(Span(4, 7), b"three")]),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name, (before, _) in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(before)
    return tmp_path


def run(*words, stdin=None):
    return CliRunner().invoke(main, ["apply", *map(str, words)], input=stdin)


def entry(name, status="changed", edits=None):
    before, known = FILES[name]
    outcome = Outcome(edits=tuple(known if edits is None else edits))
    digests = [hashlib.sha256(data).hexdigest() for data in (before, outcome.result(before))]
    return Entry(name, "fill", status, digests[0], digests[1], outcome)


def after(name):
    return entry(name).outcome.result(FILES[name][0])


def patch(*names):
    return b"".join(patch_of(FILES[name][0], after(name), name) for name in names or FILES)


def report(form, entries=None):
    entries = [entry(name) for name in FILES] if entries is None else entries

    def sources(one):
        return FILES[one.path][0]

    if form == "jsonl":
        return "".join(jsonl(entries, sources=sources)).encode()
    whole = document(entries, sources=sources, run="r", model="m", totals=Totals)
    return "".join(whole).encode()


def source(form):
    return patch() if form == "patch" else report(form)


def contents():
    return {name: Path(name).read_bytes() for name in FILES}


pytestmark = pytest.mark.usefixtures("folder")

UNTOUCHED = {name: before for name, (before, _) in FILES.items()}
FORMS = pytest.mark.parametrize("form", ["patch", "json", "jsonl"])


@FORMS
def test_all_files_are_changed_and_back(folder, form):
    Path("p").write_bytes(source(form))
    done = run("p")
    assert (done.exit_code, done.stderr) == (0, "changed 3 files\n")
    assert contents() == {name: after(name) for name in FILES}
    again = run("p")
    assert again.exit_code == 0
    assert "a.py has the change already" in again.stderr
    assert again.stderr.endswith("nothing to do\n")
    assert run("--reverse", "p").exit_code == 0
    assert contents() == UNTOUCHED
    assert "a.py does not have the change" in run("-R", "p").stderr
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "d", "e.txt", "p"]


@FORMS
def test_a_check_writes_nothing(form):
    checked = run("-", "--check", stdin=source(form))
    assert (checked.exit_code, checked.stdout) == (1, "")
    dry = run("-", "--dry-run", stdin=source(form))
    assert (dry.exit_code, dry.stdout_bytes) == (1, patch())
    assert contents() == UNTOUCHED
    run("-", "-q", stdin=source(form))
    assert run("-", "--check", stdin=source(form)).exit_code == 0


@FORMS
def test_one_file_that_changed_meanwhile_stops_all(form):
    Path("e.txt").write_bytes(b"one\nTWO")
    done = run("-", stdin=source(form))
    assert (done.exit_code, done.stdout) == (6, "")
    assert "where: e.txt" in done.stderr
    assert done.stderr.endswith("nothing was written\n")
    assert contents() == {**UNTOUCHED, "e.txt": b"one\nTWO"}


@FORMS
def test_what_has_the_change_already_is_left_and_the_rest_is_changed(form):
    Path("a.py").write_bytes(after("a.py"))
    done = run("-", stdin=source(form))
    assert done.exit_code == 0
    assert done.stderr == "a.py has the change already\nchanged 2 files\n"
    assert contents() == {name: after(name) for name in FILES}


def test_files_are_found_below_the_root(folder, monkeypatch):
    monkeypatch.chdir("/")
    assert run("--root", folder, "-", stdin=patch()).exit_code == 0
    assert Path(folder, "a.py").read_bytes() == after("a.py")


def test_a_result_must_parse_where_the_file_did():
    broken = patch_of(FILES["a.py"][0], b"x = (\r\ny = 2\r\n", "a.py") + patch("e.txt")
    done = run("-", stdin=broken)
    assert (done.exit_code, contents()) == (4, UNTOUCHED)
    assert "where: a.py: '(' was never closed" in done.stderr
    assert run("--no-verify", "-", stdin=broken).exit_code == 0
    assert Path("a.py").read_bytes() == b"x = (\r\ny = 2\r\n"
    # it does not parse as it is, so a patch need not mend all of it
    still = patch_of(b"x = (\r\ny = 2\r\n", b"x = (\r\ny = 3\r\n", "a.py")
    assert run("-", stdin=still).exit_code == 0


def test_several_kinds_of_problems_are_all_told():
    broken = patch_of(FILES["a.py"][0], b"x = (\r\n", "a.py") + patch("e.txt")
    Path("e.txt").write_bytes(b"else")
    done = run("-", stdin=broken)
    assert done.exit_code == 3
    assert done.stderr.count("error:") == 2


@pytest.mark.parametrize("kind", ["missing", "folder", "outside", "same", "binary"])
def test_a_file_that_cannot_be_meant_is_refused(tmp_path_factory, kind):
    outside = tmp_path_factory.mktemp("outside") / "e.txt"
    outside.write_bytes(FILES["e.txt"][0])
    path = Path("e.txt")
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "outside":
        path.symlink_to(outside)
    elif kind == "same":
        path.symlink_to("a.py")
    elif kind == "binary":
        path.write_bytes(b"one\0two")
    done = run("-", stdin=patch())
    assert (done.exit_code, Path("a.py").read_bytes()) == (2, UNTOUCHED["a.py"])
    assert outside.read_bytes() == FILES["e.txt"][0]


def test_a_link_to_what_is_gits_own_is_refused():
    Path(".git").mkdir()
    Path("e.txt").rename(".git/config")
    Path("e.txt").symlink_to(".git/config")
    done = run("-", stdin=patch("e.txt"))
    assert (done.exit_code, Path(".git/config").read_bytes()) == (2, UNTOUCHED["e.txt"])
    assert "git's own folder" in done.stderr


def test_a_link_inside_the_root_is_followed_and_stays():
    Path("e.txt").rename("real.txt")
    Path("e.txt").symlink_to("real.txt")
    assert run("-", stdin=patch()).exit_code == 0
    assert Path("e.txt").is_symlink()
    assert Path("real.txt").read_bytes() == after("e.txt")


def test_a_read_only_file_stops_all():
    Path("e.txt").chmod(0o444)
    assert run("-", stdin=patch()).exit_code == 3
    assert contents() == UNTOUCHED


@pytest.mark.parametrize("error", [WriteError("full"), StaleError("changed"), KeyboardInterrupt()])
@pytest.mark.parametrize("late", [False, True])
def test_what_was_written_is_put_back_where_another_fails(monkeypatch, error, late):
    real, count = applying.replace_file, 0

    def failing(opened, data):
        nonlocal count
        count += 1
        if count == 3 and not late:
            raise error
        real(opened, data)
        if count == 3:
            raise error

    monkeypatch.setattr(applying, "replace_file", failing)
    done = run("-", stdin=patch())
    expected = {WriteError: 3, StaleError: 6, KeyboardInterrupt: 130}[type(error)]
    assert (done.exit_code, contents()) == (expected, UNTOUCHED)


def test_what_cannot_be_put_back_is_told(monkeypatch):
    real, count = applying.replace_file, 0

    def failing(opened, data):
        nonlocal count
        count += 1
        if count > 1:
            raise WriteError("the disk is full")
        real(opened, data)

    monkeypatch.setattr(applying, "replace_file", failing)
    done = run("-", stdin=patch())
    assert done.exit_code == 3
    assert "where: a.py\n" in done.stderr
    assert contents() == {**UNTOUCHED, "a.py": after("a.py")}


def test_somebody_elses_text_is_not_put_back_over(monkeypatch):
    real, count = applying.replace_file, 0

    def failing(opened, data):
        nonlocal count
        count += 1
        if count == 3:
            Path("a.py").write_bytes(b"mine = 1\n")
            raise WriteError("the disk is full")
        real(opened, data)

    monkeypatch.setattr(applying, "replace_file", failing)
    done = run("-", stdin=patch())
    assert done.exit_code == 3
    assert "where: a.py\n" in done.stderr
    assert contents() == {**UNTOUCHED, "a.py": b"mine = 1\n"}


def test_only_texts_with_a_result_are_applied():
    entries = [entry("a.py", "failed"), entry("e.txt", "written"), entry("d/b c.py", "pending")]
    assert run("-", stdin=report("json", entries)).exit_code == 0
    assert contents() == {**UNTOUCHED, "e.txt": after("e.txt")}


def test_a_report_that_contradicts_itself_is_refused():
    lies = json.loads(report("jsonl", [entry("a.py")]))
    lies["holes"][0]["text"] = "11"
    done = run("-", stdin=json.dumps(lies).encode())
    assert (done.exit_code, contents()) == (2, UNTOUCHED)
    assert "contradicts itself" in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("path", "../a.py", "out of the folder"),
        ("path", "/etc/passwd", "out of the folder"),
        ("path", ".git/config", "git's own folder"),
        ("path", None, "'path', a str"),
        ("after", None, "'after', a str"),
        ("holes", [3], "a hole with 'start'"),
        ("holes", [{"start": 5, "stop": 4, "text": ""}], "start <= stop"),
        ("holes", [{"start": True, "stop": 4, "text": ""}], "a hole with 'start'"),
        ("holes", [{"start": 4, "stop": 99, "text": ""}], "past the end"),
        ("holes", [{"start": 4, "stop": 5, "text": "\ud800"}], "surrogate"),
        ("diff", 3, "'diff', a str"),
        ("status", None, "a status"),
    ],
)
def test_a_report_that_is_wrong_is_refused(key, value, says):
    good = report("jsonl", [entry("a.py")])
    bad = {**json.loads(good), key: value, "operation": "fill"}
    lines = report("jsonl", [entry("e.txt")]) + json.dumps(bad).encode()
    done = run("-", stdin=lines)
    assert (done.exit_code, contents()) == (2, UNTOUCHED)
    assert says in done.stderr
    assert "<stdin>, line 2" in done.stderr


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b'{"path": "a"\n', "<stdin>, line 1"),
        (report("jsonl") + b"{oops}\n", "<stdin>, line 4"),
        (b'{"infill_report": 2, "files": []}', "<stdin>"),
        (b'{"infill_report": 1, "files": [3]}', "<stdin>, entry 1"),
        (b"{" * 5000, "<stdin>, line 1"),
        (b"\xff\xfe", "<stdin>"),
        (b"", "<stdin>"),
        (report("jsonl") * 2, "<stdin>, line 4: a.py"),
    ],
)
def test_what_is_no_report_and_no_patch_is_refused_with_its_line(text, where):
    done = run("-", stdin=text)
    assert (done.exit_code, contents()) == (2, UNTOUCHED)
    assert f"where: {where}\n" in done.stderr


def test_a_missing_patch_is_a_usage_error():
    assert run("no.diff").exit_code == 2
    assert run("d").exit_code == 2
    assert run().exit_code == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing is written
@given(
    kind=st.sampled_from(["patch", "json", "jsonl"]),
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 9), st.binary(max_size=4)), min_size=1, max_size=3
    ),
)
def test_a_broken_source_is_refused_or_read_and_nothing_else(kind, cuts):
    data = source(kind)
    for share, size, new in cuts:
        at = int(share * len(data))
        data = data[:at] + new + data[at + size :]
    try:
        changes, where = applying.read_changes(data, "p"), "p"
    except InputError as error:
        changes, where = (), error.where
    assert where.startswith("p")
    for change in changes:
        for text in (FILES["a.py"][0], after("a.py")):
            for one in (change, change.reversed()):
                try:
                    one.applied(text)
                except InfillError:
                    continue
