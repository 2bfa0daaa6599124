import hashlib
import re
import zipfile

import pytest

from infill.errors import InputError, PathError
from infill.train import corpus
from infill.train.corpus import PERMISSIVE, File, Filters, Pin, clean, collect, ngrams, read_pins

GOOD = "def add(a, b):\n    return a + b\n" * 5


def test_every_pinned_project_has_a_hash_and_a_permissive_licence():
    for pin in read_pins():
        assert re.fullmatch("[0-9a-f]{64}", pin.sha256) or pin.name == corpus.STDLIB
        assert all(part in PERMISSIVE for part in re.split(" OR | AND ", pin.licence)), pin


@pytest.mark.parametrize("licence", ["", 'licence = ""', 'licence = "MIT AND GPL-3.0-only"'])
def test_a_project_without_a_permissive_licence_is_refused(licence):
    text = f"[[project]]\nname = 'p'\nversion = '1'\nsha256 = ''\nsplit = 'train'\n{licence}\n"
    with pytest.raises(InputError, match="no permissive licence") as refused:
        corpus.pins_in(text, "corpus.toml")
    assert refused.value.got.startswith("p: ")


def test_no_project_is_pinned_twice_and_eight_or_more_are_held_out():
    pins = read_pins()
    assert len({pin.name for pin in pins}) == len(pins)
    assert sum(pin.split == "heldout" for pin in pins) >= 8


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p/tests/a.py", GOOD), ("p/_vendor/a.py", GOOD), ("p/test_a.py", GOOD),
        ("p/x_pb2.py", GOOD), ("p/a.py", "# Do not edit\n" + GOOD), ("p/a.py", GOOD + "def ("),
        ("p/a.py", "x = '" + "a" * 5000 + "'\n"), ("p/a.py", "x = [" + "1234, " * 99 + "]\n"),
        ("p/a.py", "x = '" + "é" * 60 + "'\n" + GOOD), ("p/a.py", "x = 1\n"),
        ("p/a.py", GOOD * 5000),
    ],
)  # fmt: skip
def test_what_the_corpus_does_not_want_is_left_out(path, text):
    assert clean(path, text.encode()) is None


def test_line_ends_become_lf_and_a_byte_order_mark_goes():
    text = clean("p/a.py", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert text == GOOD


def test_bytes_that_are_not_utf8_are_left_out():
    assert clean("p/a.py", GOOD.encode() + b"# \xff\n") is None


def test_ngrams_ignore_whitespace_and_meet_in_a_copy():
    assert ngrams("a = b + c", 5) == ngrams("a=b   +\nc", 5)
    assert not ngrams("a = b", 5)


def wheel(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_a_copy_of_a_heldout_file_is_not_trained_on(tmp_path):
    mine = GOOD.replace("add", "mine")
    archives = {
        "held": wheel(tmp_path / "held.whl", {"held/a.py": GOOD}),
        "used": wheel(tmp_path / "used.whl", {"used/copy.py": GOOD + "\n", "used/b.py": mine}),
    }
    pins = [
        Pin(name=name, version="1", sha256="", licence="MIT", split=split)
        for name, split in (("used", "train"), ("held", "heldout"))
    ]
    found = collect(pins, archives)
    assert found["heldout"] == [File("held", "held/a.py", GOOD)]
    assert found["train"] == [File("used", "used/b.py", mine)]


def test_a_project_gets_no_more_than_its_share(tmp_path):
    texts = {f"p/{i}.py": GOOD.replace("add", f"f{i}") for i in range(9)}
    pins = [Pin(name="p", version="1", sha256="", licence="MIT", split="train")]
    archives = {"p": wheel(tmp_path / "p.whl", texts)}
    found = collect(pins, archives, Filters(project_bytes=3 * len(GOOD)))
    assert sum(len(file.text) for file in found["train"]) <= 3 * len(GOOD)


def test_an_archive_that_is_not_the_pinned_one_is_refused(tmp_path, monkeypatch):
    path = wheel(tmp_path / "p.whl", {"p/a.py": GOOD})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pin = Pin(name="p", version="1", sha256=digest, licence="MIT", split="train")
    assert corpus.fetch([pin], tmp_path) == {"p": path}
    monkeypatch.setattr(corpus.subprocess, "run", lambda *_args, **_options: None)
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(InputError, match="p==1"):
        corpus.fetch([pin], tmp_path)


def test_files_are_read_as_they_were_written(tmp_path):
    files = [File("p", "a.py", "x = 'é'\n"), File("q", "b.py", "y\n")]
    corpus.write_files(files, tmp_path / "f.jsonl")
    assert corpus.read_files(tmp_path / "f.jsonl") == files
    (tmp_path / "d.jsonl").write_text((tmp_path / "f.jsonl").read_text()[:-9])
    with pytest.raises(InputError, match="damaged"):
        corpus.read_files(tmp_path / "d.jsonl")
    with pytest.raises(PathError, match="no corpus here"):
        corpus.read_files(tmp_path / "g.jsonl")
