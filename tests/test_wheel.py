"""The wheel is whole: built, installed elsewhere, the source gone, it fills a hole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
FOLDERS = ("infill", "grammars", "lsp")
UNSHIPPED = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
NOT_IN_A_WHEEL = {".c", ".h", ".so"}
CORES = {str(path.with_name("_core.so").relative_to(ROOT)) for path in ROOT.glob("infill/**/_*.c")}
NO_COMPILER = "no-such-compiler"
COMPILERS = os.environ.get("CC", "").split()[:1] or ["cc", "gcc", "clang"]
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="there is no C compiler"
)

# -S: no .pth file is read, so the editable install of this checkout is out of reach
START = """
import sys
sys.path += [{target!r}, {site!r}]
import infill, json
"""
ENGINE = """
import infill_grammars
from infill.canvas import Canvas, Slot, Write
from infill.constrain.engine import core
from infill.constrain.grammar import Grammar
from infill.vocab import Vocab
library = core.library()
lark = "start: INT (PLUS INT)*\\nINT: /[0-9]+/\\nPLUS: /[+]/"
vocab = Vocab([b"", b"1", b"+"], mask=0)
state = Grammar.lark(lark).constraint(vocab).start(Canvas([0, 0], [Slot.HOLE, Slot.HOLE]))
said = {
    "core": library and library._name,
    "refused": state.after(Write(0, 2, 0.0)) is None,
    "grammars": infill_grammars.names(),
    "home": infill_grammars.__file__,
}
print(json.dumps(said))
"""
FILL = """
settings = infill.Settings(max_tokens=4)
proposal = infill.fill("def f(x):\\n    return <FILL_ME>\\n", settings=settings)
print(json.dumps({"home": infill.__file__, "text": proposal.text}))
"""
COMMAND = """
from infill.cli import main
sys.argv = ["infill", "fill", "a.txt", "--language", "none", "--max-tokens", "4"]
main()
"""


def python(code: str, target: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code against an installed copy, far from the source."""
    start = START.format(target=str(target), site=sysconfig.get_path("purelib"))
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-c", start + code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def build(folder: Path, kind: str, **variables: str) -> Path:
    """A wheel or an sdist, built from a copy of the source that is gone afterwards."""
    source = folder / "source"
    source.mkdir(parents=True)
    for part in PARTS:
        shutil.copy(ROOT / part, source)
    for name in FOLDERS:  # with the core of this checkout, which must not get into the wheel
        shutil.copytree(ROOT / name, source / name, ignore=UNSHIPPED)
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", folder]
    outside = {name: value for name, value in os.environ.items() if name != "INFILL_REQUIRE_CORE"}
    built = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, source],
        capture_output=True,
        text=True,
        check=False,
        env=outside | variables,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.rmtree(source)
    (found,) = folder.iterdir()
    return found


def install(wheel: Path, target: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*pip, "--target", target, wheel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that this machine builds: with the core, where it has a compiler."""
    return build(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def plain_wheel(tmp_path_factory) -> Path:
    """The wheel of a machine without a compiler."""
    return build(tmp_path_factory.mktemp("plain"), "wheel", CC=NO_COMPILER)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    return install(wheel, tmp_path_factory.mktemp("target"))


def shipped() -> set[str]:
    """What of this checkout a wheel without the core holds, by its names there."""
    return {
        str(path.relative_to(ROOT / top))
        for top, package in (
            (".", "infill"),
            ("grammars", "infill_grammars"),
            ("lsp", "infill_lsp"),
        )
        for path in (ROOT / top / package).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.name[0] != "."
        and path.suffix not in NOT_IN_A_WHEEL
    }


def contents(wheel: Path) -> set[str]:
    names = zipfile.ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name and name not in beside(wheel)}


def beside(wheel: Path) -> set[str]:
    """What a wheel installs beside the packages."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".data/" in name}


def is_pure(wheel: Path) -> bool:
    archive = zipfile.ZipFile(wheel)
    (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
    return "Root-Is-Purelib: true" in archive.read(about).decode()


@needs_compiler
def test_the_wheel_holds_every_module_the_weights_the_core_and_nothing_else(wheel):
    assert shipped() | CORES == contents(wheel)
    assert {"infill/weights/model.safetensors", "infill/py.typed"} <= contents(wheel)
    assert {"infill_grammars/python.lark", "infill_grammars/json.lark"} <= contents(wheel)
    assert len(CORES) == 1
    assert {"infill.el", "infill.lua"} == {Path(name).name for name in beside(wheel)}


@needs_compiler
def test_a_wheel_with_the_core_names_its_platform(wheel):
    assert not wheel.stem.endswith("-none-any")
    assert not is_pure(wheel)


def test_a_wheel_built_without_a_compiler_holds_no_core_and_runs_anywhere(plain_wheel):
    assert shipped() == contents(plain_wheel)
    assert plain_wheel.stem.endswith("-py3-none-any")
    assert is_pure(plain_wheel)


@needs_compiler
def test_an_installed_wheel_has_a_language_server(installed, tmp_path):
    done = python(
        "import infill_lsp.server as s; print(s.server().name, s.__file__)", installed, tmp_path
    )
    assert done.returncode == 0, done.stderr
    name, home = done.stdout.split()
    assert name == "infill"
    assert Path(home).is_relative_to(installed)


@needs_compiler
def test_an_installed_wheel_runs_the_core_that_it_brought(installed, tmp_path):
    done = python(ENGINE, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert Path(said["core"]).is_relative_to(installed)
    assert Path(said["home"]).is_relative_to(installed)
    assert "python" in said["grammars"]
    assert said["refused"]


def test_an_installed_wheel_without_the_core_runs_the_engine_in_python(plain_wheel, tmp_path):
    done = python(ENGINE, install(plain_wheel, tmp_path / "target"), tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["core"] is None
    assert said["refused"]


def test_a_source_distribution_holds_what_the_core_is_made_of(tmp_path):
    made = build(tmp_path / "made", "sdist")
    with tarfile.open(made) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(path.relative_to(ROOT)) for path in ROOT.glob("infill/**/*.[ch]")}
    assert sources | {"hatch_build.py", "grammars/infill_grammars/python.lark"} <= inside
    assert not [name for name in inside if name.endswith(".so") or name.startswith("tests")]


def test_an_installed_wheel_fills_a_hole_without_the_source(installed, tmp_path):
    done = python(FILL, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert Path(said["home"]).is_relative_to(installed)
    assert said["text"].startswith("def f(x):\n    return ")
    assert "<FILL_ME>" not in said["text"]


def test_the_command_of_an_installed_wheel_shows_a_diff(installed, tmp_path):
    (tmp_path / "a.txt").write_text("def f(x):\n    return <FILL_ME>\n")
    done = python(COMMAND, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "-    return <FILL_ME>" in done.stdout
    assert "+++ " in done.stdout


def test_the_source_is_out_of_reach_where_the_wheel_is_tried(tmp_path):
    done = python("", tmp_path / "nothing", tmp_path)
    assert "No module named 'infill'" in done.stderr
