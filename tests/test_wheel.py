"""The wheel is whole: built, installed elsewhere, the source gone, it fills a hole."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("pyproject.toml", "README.md", "LICENSE")

# -S: no .pth file is read, so the editable install of this checkout is out of reach
START = """
import sys
sys.path += [{target!r}, {site!r}]
import infill, json
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the source that is gone afterwards."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for part in PARTS:
        shutil.copy(ROOT / part, source)
    shutil.copytree(
        ROOT / "infill", source / "infill", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    built = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, source], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.rmtree(source)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("target")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*pip, "--target", target, wheel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


def test_the_wheel_holds_every_module_and_the_weights_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if name.startswith("infill/")}
    tracked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "infill").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name[0] != "."
    }
    assert tracked == inside
    assert {"infill/weights/model.safetensors", "infill/py.typed"} <= inside
    assert all(".dist-info/" in name for name in names - inside)


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
