"""Lists of jobs: lines that are none, many of them, and texts that are too long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOOD = [json.dumps({"id": n, "text": f"x{n} = <FILL_ME>\n"}) for n in range(20)]


@pytest.fixture
def ran(commands):
    return commands.run


@pytest.fixture
def folder(bases):
    (folder := next(bases) / "files").mkdir()
    return folder


def listed(folder, lines):
    data = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
    (folder / "jobs.jsonl").write_bytes(data)
    return "jobs.jsonl"


def runs(folder):
    return [*Path(f"{folder}.state/runs").glob("2*")]


WRONG = {
    "no JSON": ('{"id": 1, "text": ', "an object in JSON"),
    "a list": ("[1, 2]", "an object in JSON"),
    "no UTF-8": (b'{"text": "x = <FILL_ME> \xff"}', "an object in JSON"),
    "deep": ('{"text": ' + "[" * 100_000, "an object in JSON"),
    "a number without end": ('{"text": "x", "seed": ' + "1" * 10_000 + "}", "an object in JSON"),
    "half of a pair": (r'{"text": "x = <FILL_ME> \ud800"}', "text: text that UTF-8 can say"),
    "half of a pair in an id": (r'{"id": "\ud800", "text": "<FILL_ME>"}', "id: text that UTF-8"),
    "half of a pair in a path": (r'{"path": "\ud800.py"}', "path: text that UTF-8 can say"),
    "a NUL in a path": (r'{"path": "a\u0000.py"}', "path: some text"),
    "half of a pair in what is kept": (r'{"text": "x", "keep": ["\ud800"]}', "keep: text that"),
    "half of a pair in a marker": (r'{"text": "x", "marker": "\ud800"}', "marker: text that"),
    "unknown key": ('{"text": "x", "sede": 1}', "did you mean 'seed'?"),
    "a command": ('{"text": "x", "goal": "rm -rf /"}', "pass --goal to infill batch"),
    "a model": ('{"text": "x", "model": "evil"}', "got: 'model'"),
    "wrong type": ('{"text": "x", "seed": "many"}', "expected: seed:"),
    "a truth for an id": ('{"text": "x", "id": true}', "expected: id:"),
    "no number": ('{"text": "x", "temperature": NaN}', "temperature"),
    "impossible": ('{"text": "x", "policy": "best"}', "best"),
    "the same id": ('{"id": "3", "text": "x"}', "an id of its own"),
    "both": ('{"path": "a.py", "text": "x"}', "got: both"),
    "neither": ('{"id": "x"}', "got: neither"),
    "no hole": ('{"text": "x", "holes": [3]}', 'a hole as {"start": 3, "end": 9}'),
    "half a hole": ('{"text": "x", "holes": [{"start": 3}]}', 'a hole as {"start": 3, "end": 9}'),
    "a hole before": ('{"text": "x", "holes": [{"start": -1, "end": 1}]}', "start"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_line_that_is_no_job_ends_the_run_before_it_begins(ran, folder, case):
    line, told = WRONG[case]
    (folder / "a.py").write_bytes(b"a = <FILL_ME>\n")
    first = json.dumps({"path": "a.py"})
    name = listed(folder, [first, *GOOD[:5], line, *GOOD[7:]])
    code, out, err = ran(folder, "batch", "--write", name)
    assert (code, out) == (2, ""), err
    assert "jobs.jsonl, line 7" in err
    assert told in err
    assert "working" not in err
    assert (folder / "a.py").read_bytes() == b"a = <FILL_ME>\n"
    assert runs(folder) == []


def test_a_line_without_end_is_not_read_into_memory(commands, tmp_path):
    with (tmp_path / "jobs.jsonl").open("wb") as file:
        file.write(b'{"text": "x = <FILL_ME>"}\n{"text": "')
        file.truncate(400_000_000)
    code, _, err = commands.run(tmp_path, "batch", "jobs.jsonl")
    assert (code, "jobs.jsonl, line 2" in err, "a longer one" in err) == (2, True, True)
    assert commands.peak < 300e6


def test_what_is_wrong_with_one_text_is_for_that_job_alone(ran, folder):
    (folder / "a.py").write_bytes(b"a = <FILL_ME>\n")
    jobs = [
        {"id": "good", "path": "a.py"},
        {"id": "out", "text": "x = 1\n", "holes": [{"start": 3, "end": 99}]},
        {"id": "reversed", "text": "x = 1\n", "holes": [{"start": 3, "end": 1}]},
        {"id": "none", "text": "x = 1\n"},
        {"id": "gone", "path": "gone.py"},
        {"id": "folder", "path": "."},
        {"id": "hopeless", "text": "hopeless = <FILL_ME>\n"},
        {"id": "NUL", "text": "x = <FILL_ME>\0"},
        {"id": "again", "path": "a.py"},
    ]
    code, out, _ = ran(
        folder, "batch", "--write", listed(folder, map(json.dumps, jobs)), "--language", "python"
    )
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [one["id"] for one in found] == [job["id"] for job in jobs]
    assert [one["id"] for one in found if one["status"] == "written"] == ["good"]
    kinds = {one["id"]: one["error"]["kind"] for one in found if one["error"]}
    assert kinds.pop("again") == "StaleError"
    assert kinds == {
        "out": "HoleError",
        "reversed": "HoleError",
        "none": "NoHoleError",
        "gone": "PathError",
        "folder": "PathError",
        "hopeless": "FillError",
        "NUL": "EncodingError",
    }


OUTSIDE = {
    "above": "../out.py",
    "absolute": "{0}/../out.py",
    "by a folder": "sub/../../out.py",
    "a link": "link.py",
    "a link to a folder": "above/out.py",
    "beside, with the same beginning": "../files2/out.py",
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_files_are_written_below_the_current_folder_only(ran, folder, case):
    (folder / "sub").mkdir()
    (folder / "a.py").write_text("a = <FILL_ME>\n")
    (folder.parent / "files2").mkdir()
    (folder / "link.py").symlink_to("../out.py")
    (folder / "above").symlink_to("..")
    for out in ("out.py", "files2/out.py"):
        (folder.parent / out).write_text("b = <FILL_ME>\n")
    path = OUTSIDE[case].format(folder)
    name = listed(folder, [json.dumps({"path": "a.py"}), json.dumps({"path": path})])
    code, out, err = ran(folder, "batch", name, "--write")
    assert (code, out) == (2, "")
    assert f"{name}, line 2" in err
    assert f"a file below {folder.resolve()}" in err
    assert (folder / "a.py").read_text() == "a = <FILL_ME>\n"
    assert runs(folder) == []

    code, out, err = ran(folder, "batch", name)  # nothing is written: it may be looked at
    assert code == (3 if "link" in case else 0), err
    if code == 0:
        assert ran(folder, "resume", "last", "--write")[0] == 2
    for found in (folder.parent / "out.py", folder.parent / "files2" / "out.py"):
        assert found.read_text() == "b = <FILL_ME>\n"


def test_a_list_in_a_folder_below_is_run_from_above(ran, folder):
    (folder / "sub").mkdir()
    (folder / "a.py").write_text("a = <FILL_ME>\n")
    jobs = [json.dumps({"path": str(folder / "a.py")}), json.dumps({"path": "sub/../a.py"})]
    for job in jobs:
        (folder / "a.py").write_text("a = <FILL_ME>\n")
        assert ran(folder, "batch", listed(folder, [job]), "--write")[0] == 0
        assert (folder / "a.py").read_text() == "a = 14\n"


def test_a_command_judges_files_so_a_text_that_is_in_none_is_refused(ran, folder):
    name = listed(folder, GOOD[:1])
    for command in ("true", "true {path}"):
        code, out, err = ran(folder, "batch", name, "--language", "python", "--verify-cmd", command)
        assert (code, out, runs(folder)) == (2, "", [])
        assert f"{name}, line 1" in err
        assert "--verify-cmd judges files" in err


def test_a_text_whose_language_nobody_says(ran, folder):
    name = listed(folder, [json.dumps({"id": "a", "text": "x = <FILL_ME>\n"})])
    code, out, err = ran(folder, "batch", name)
    assert (code, json.loads(out)["error"]["kind"]) == (2, "OptionError")
    assert '"language" in the job, or --language' in err


def test_ten_thousand_jobs_take_no_more_memory_than_a_thousand(commands, folder):
    peaks = []
    for many in (1_000, 10_000):
        lines = [json.dumps({"id": n, "text": f"x = <FILL_ME>  # {n}\n"}) for n in range(many)]
        name = listed(folder, lines)
        code, _, err = commands.run(folder, "batch", "--quiet", "--language", "python", name)
        assert code == 0, err
        peaks.append(commands.peak)
        found = [json.loads(line) for line in commands.out.read_text().splitlines()]
        assert [one["id"] for one in found] == [str(n) for n in range(many)]
        assert {one["status"] for one in found} == {"changed"}
    assert peaks[1] - peaks[0] < 10e6


def test_a_file_of_100_mb_is_refused_or_left_out(commands, tmp_path):
    (folder := tmp_path / "files").mkdir()
    (folder / "a.py").write_bytes(b"a = <FILL_ME>\n")
    with (folder / "huge.py").open("wb") as file:
        file.truncate(100_000_000)
    code, _, err = commands.run(folder, "fill", "--write", "a.py", "huge.py")
    assert (code, "the file is too long" in err) == (3, True)
    assert commands.peak < 300e6
    assert (folder / "a.py").read_bytes() == b"a = 14\n"
    (folder / "a.py").write_bytes(b"a = <FILL_ME>\n")
    code, _, err = commands.run(folder, "fill", "--write", ".")
    assert (code, "1 too long" in err) == (0, True)
    assert commands.peak < 300e6
    assert (folder / "huge.py").stat().st_size == 100_000_000


def test_a_list_of_names_with_a_nul_in_it(ran, folder):
    (folder / "a.py").write_bytes(b"a = <FILL_ME>\n")
    (folder / "b.py").write_bytes(b"b = <FILL_ME>\n")
    (folder / "names").write_bytes(b"a.py\0b.py\0")
    code, _, err = ran(folder, "fill", "--write", "--files-from", "names")
    assert code == 2, err
    assert (folder / "a.py").read_bytes() == b"a = <FILL_ME>\n"
    assert ran(folder, "fill", "--write", "--null", "--files-from", "names")[0] == 0
