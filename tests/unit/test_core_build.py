"""The build hook: a core where a compiler works, one clear line where none does."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path("infill/constrain/deeper")
PROJECT = """
[project]
name = "sample"
version = "1"
"""
SOURCES = {
    "_one.c": 'int two(void); __attribute__((visibility("default"))) int one(void)'
    " { return two() - 1; }",
    "_two.c": "int two(void) { return 2; }",
}
# a compiler that never works, that is there on every machine, and that says why
BROKEN = shlex.join([sys.executable, "-c", "import sys; sys.exit('a.c:1: error: no luck\\nbye')"])
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)


def load():
    spec = importlib.util.spec_from_file_location("hook_under_test", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = load()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two C files, and the variables of the outside world unset."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv(HOOK.REQUIRED, raising=False)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / FOLDER).mkdir(parents=True)
    for name, text in SOURCES.items():
        (tmp_path / FOLDER / name).write_text(text)
        os.utime(tmp_path / FOLDER / name, (1_000, 1_000))
    return tmp_path


def run(project, version):
    """What the hook tells hatchling, and the hook before it cleans up."""
    builder = WheelBuilder(str(project))
    hook = HOOK.CoreHook(
        str(project), {}, builder.config, builder.metadata, str(project), "wheel", builder.app
    )
    data = {"force_include": {}, "pure_python": True, "infer_tag": False}
    hook.initialize(version, data)
    return data, hook


def files(project):
    return {path.name for path in (project / FOLDER).iterdir()}


@needs_compiler
def test_an_editable_install_gets_the_core_beside_its_c_files(project):
    data, hook = run(project, "editable")
    hook.finalize("editable", data, "")
    assert {"_core.so", *SOURCES} == files(project)
    assert ctypes.CDLL(str(project / FOLDER / "_core.so")).one() == 1
    assert {"force_include": {}, "pure_python": True, "infer_tag": False} == data


@needs_compiler
def test_a_wheel_gets_the_core_and_a_platform_and_the_source_stays_as_it_was(project):
    data, hook = run(project, "standard")
    ((made, home),) = data["force_include"].items()
    assert home == str(FOLDER / "_core.so")
    assert data["infer_tag"]
    assert not data["pure_python"]
    assert ctypes.CDLL(made).one() == 1
    assert set(SOURCES) == files(project)
    hook.finalize("standard", data, "")
    assert not Path(made).exists()


@needs_compiler
def test_only_what_is_exported_by_name_can_be_seen(project):
    run(project, "editable")
    library = ctypes.CDLL(str(project / FOLDER / "_core.so"))
    assert hasattr(library, "one")
    assert not hasattr(library, "two")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (BROKEN, "failed: a.c:1: error: no luck"),
        ("no-such-compiler -m64", "no-such-compiler -m64 could not run"),
        (shlex.join([sys.executable, "-c", ""]), "failed: exit code 0"),
    ],
)
def test_a_compiler_that_does_not_work_is_said_in_one_line(
    project, monkeypatch, capsys, command, why
):
    monkeypatch.setenv("CC", command)
    for version in ("editable", "standard"):
        data, _ = run(project, version)
        (line,) = capsys.readouterr().err.splitlines()
        assert "infill: the compiled core was not built" in line
        assert why in line
        assert "the engine in Python runs in its place" in line
        assert {"force_include": {}, "pure_python": True, "infer_tag": False} == data
        assert set(SOURCES) == files(project)


def test_no_compiler_at_all_is_said_in_one_line(project, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(project))
    run(project, "standard")
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no C compiler (cc, gcc, clang)" in line


def test_c_files_that_are_not_there_are_said_in_one_line(project, capsys):
    shutil.rmtree(project / FOLDER)
    run(project, "editable")
    (line,) = capsys.readouterr().err.splitlines()
    assert "there are no C files (infill/constrain/**/_*.c)" in line


@pytest.mark.parametrize("version", ["editable", "standard"])
def test_a_core_that_is_required_is_an_error_where_it_is_missing(
    project, monkeypatch, capsys, version
):
    monkeypatch.setenv("CC", BROKEN)
    monkeypatch.setenv(HOOK.REQUIRED, "1")
    with pytest.raises(SystemExit):
        run(project, version)
    assert "INFILL_REQUIRE_CORE is set, so that is an error" in capsys.readouterr().err


def test_a_core_that_is_there_and_current_needs_no_compiler(project, monkeypatch, capsys):
    monkeypatch.setenv("CC", BROKEN)
    monkeypatch.setenv(HOOK.REQUIRED, "1")
    (project / FOLDER / "_core.so").write_bytes(b"built before")
    run(project, "editable")
    assert not capsys.readouterr().err
    assert b"built before" == (project / FOLDER / "_core.so").read_bytes()


def test_a_core_older_than_its_c_files_does_not_stay(project, monkeypatch):
    monkeypatch.setenv("CC", BROKEN)
    old = project / FOLDER / "_core.so"
    old.write_bytes(b"built before")
    os.utime(old, (500, 500))
    run(project, "editable")
    assert set(SOURCES) == files(project)


def test_the_compiler_that_is_named_is_the_one_that_runs(project, monkeypatch):
    code = "import sys; open(sys.argv[sys.argv.index('-o') + 1], 'w').write(sys.argv[1])"
    monkeypatch.setenv("CC", shlex.join([sys.executable, "-c", code, "ours"]))
    run(project, "editable")
    assert (project / FOLDER / "_core.so").read_text() == "ours"
