"""Guards of the shape of the source tree (DESIGN §3, §8), and proof that each can fail."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import infill_lsp
import pytest

import infill
import infill.constrain
import infill.decode
import infill.models
import infill.trees

EXPORTING = (infill, infill.constrain, infill.decode, infill.models, infill.trees)
PACKAGE = Path(infill.__file__).parent
SERVER = Path(infill_lsp.__file__).parent

STDLIB_ONLY = ("text", "errors", "limits", "goal")
PORT = ("decode.candidates", "decode.scores")

# what each part may import of infill: a prefix of a module's path below the package
L0 = ("text", "errors", "limits", "goal", "_lazy")
L1 = (*L0, "vocab", "canvas")
L2 = (*L1, "constrain")
L3 = (*L2, "decode", "models.denoiser")
L4 = (*L3, "edit", "models.catalogue", "models.counted")
MAY_SEE = {
    "text": ("errors", "limits"),
    "errors": (),
    "_lazy": (),
    "version": (),
    "limits": (),
    "goal": (),
    "vocab": L0,
    "canvas": L1,
    "constrain": L2,
    "decode": L3,
    "edit": L4,
    "models": (*L1, "models", *PORT),
    "train": (*L1, "models", "train", *PORT),
    "trees": (*L4, "trees"),
    "bench": (*L4, "models", "train", "trees", "bench", ""),
    "config": (*L0, "config", "edit.choices", "edit.recipe", "edit.verify"),
    "batch": (*L4, "version", "models", "config", "batch"),
    "cli": (*L4, "models", "train", "trees", "bench", "config", "batch", "version", "cli", ""),
    "__main__": ("cli",),
    "": (*L4, "models", "train", "cli", ""),
}
# who may import a package that is heavy, or belongs to one place
ONLY_IN = {
    "torch": ("models", "train", "decode.scores"),
    "safetensors": ("models", "train"),
    "tokenizers": ("models", "train"),
    "transformers": ("models.hf",),
    "click": ("cli", "train.__main__"),
    "rich": ("cli", "train"),
    "infill_grammars": ("constrain", "edit.grammars", "config.schema"),
    "interegular": ("constrain",),
    "lark": ("constrain.lark", "trees.lark_trees"),
    "tree_sitter": ("trees.sitter_trees", "batch.select"),
    "ast_grep_py": ("batch.select",),
    "platformdirs": ("config",),
    "ray": ("batch.engines.ray",),
    "watchfiles": ("cli",),
    "matplotlib": ("bench.report",),
    "pygls": (),
    "lsprotocol": (),
    "infill_lsp": ("cli",),
}
# what the modules of the language server may import: it answers at once because all but the
# worker, another process, are light
LIGHT = (
    *("infill.text", "infill.errors", "infill.limits", "infill.edit.holes", "infill.edit.verify"),
    "infill.version",
    "infill.config",
    "infill_lsp",
)
HEAVY = (*LIGHT, "infill.canvas", "infill.edit", "infill.decode", "infill.models")
PROTOCOL = ("pygls", "lsprotocol", "cattrs", "attrs")
# what knows the messages, and nothing of how they come
WITHOUT_PYGLS = ("positions", "documents", "rebase", "lastedit")
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LOOP, LONGEST_INIT = 400, 60, 30, 40


def modules(package: Path) -> Iterator[tuple[str, Path, ast.Module]]:
    """Each module's dotted path below the package ("" for the package itself), and its tree."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, path, ast.parse(path.read_bytes())


def within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or (place and name.startswith(f"{place}.")) for place in places)


def imported(tree: ast.Module, name: str, *, package: bool, root: str = "infill") -> Iterator[str]:
    """Every absolute name that a module imports, wherever it stands in it."""
    own = [root, *filter(None, name.split("."))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = own[: len(own) - node.level + package] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            # "from infill.models import tiny" imports a module, "… import Name" does not
            top = module in {"infill", root}
            yield from (f"{module}.{a.name}" if top else module for a in node.names)


def layer_faults(package: Path) -> list[str]:
    """Imports that point up, or that bring a heavy package where it does not belong."""
    faults = []
    for name, path, tree in modules(package):
        top = name.partition(".")[0]
        for what in imported(tree, name, package=path.name == "__init__.py"):
            root, _, below = what.partition(".")
            if root == "infill":
                if not within(below, MAY_SEE.get(top, ())) and not (below == top == name):
                    faults.append(f"{name or 'infill'} imports {what}")
            elif root in ONLY_IN and not within(name, ONLY_IN[root]):
                faults.append(f"{name or 'infill'} imports {what}")
            elif top in STDLIB_ONLY and root not in {*sys.stdlib_module_names, "__future__"}:
                faults.append(f"{name} imports {what}")
    return faults


def server_faults(package: Path) -> list[str]:
    """Imports that would make the language server slow, or depend on what it should not know."""
    faults = []
    for name, path, tree in modules(package):
        seen = HEAVY if is_worker(name) else LIGHT
        others = {*PROTOCOL, "infill_grammars", *sys.stdlib_module_names, "__future__"}
        if name in WITHOUT_PYGLS:
            others.remove("pygls")
        is_package = path.name == "__init__.py"
        faults += [
            f"{name or 'infill_lsp'} imports {what}"
            for what in imported(tree, name, package=is_package, root="infill_lsp")
            if not within(what, seen) and what.partition(".")[0] not in others
        ]
    return faults


def is_worker(name: str) -> bool:
    return name.partition(".")[0].startswith("worker")


def length_faults(package: Path) -> list[str]:
    """Files and functions that are too long."""
    faults = []
    for name, path, tree in modules(package):
        lines = len(path.read_text().splitlines())
        if lines > (LONGEST_INIT if not name else LONGEST_FILE):
            faults.append(f"{path.name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                took = (node.end_lineno or node.lineno) - node.lineno + 1
                if took > LONGEST_FUNCTION:
                    faults.append(f"{path.name}:{node.lineno} {node.name}: {took} lines")
    return faults


def loop_lines(source: str) -> int:
    """Lines of the body of `denoise`, its docstring not counted."""
    loops = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "denoise"
    ]
    assert len(loops) == 1
    first, *body = loops[0].body
    start = body[0] if ast.get_docstring(loops[0]) else first
    return (loops[0].end_lineno or 0) - start.lineno + 1


def name_faults(exported: list[str], module: object) -> list[str]:
    """Names of `__all__` that are out of order, twice, missing, or not listed in `_HOMES`."""
    faults = [
        f"{a} stands after {b}" for a, b in zip(sorted(exported), exported, strict=True) if a != b
    ]
    faults += [f"{name} is listed twice" for name in set(exported) if exported.count(name) > 1]
    faults += [f"{name} cannot be had" for name in exported if not hasattr(module, name)]
    homes = set(getattr(module, "_HOMES", {}))
    return faults + [f"{name} is only in one list" for name in homes.symmetric_difference(exported)]


def loaded_by(statement: str, *paths: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys; sys.path[:0] = {paths!r}; {statement}; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_imports_point_down_only():
    assert [] == layer_faults(PACKAGE)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("text.py", "import numpy"),
        ("limits.py", "from infill.text import Span"),
        ("errors.py", "from .limits import Limits"),
        ("vocab.py", "from infill.canvas import Canvas"),
        ("vocab.py", "import torch"),
        ("canvas.py", "from infill import decode"),
        ("constrain/affix.py", "from infill.decode.loop import denoise"),
        ("constrain/affix.py", "def f():\n    import torch.nn"),
        ("decode/loop.py", "from infill.edit.holes import Hole"),
        ("decode/loop.py", "from infill.models.catalogue import load"),
        ("decode/policy.py", "import torch"),
        ("decode/policy.py", "from ..models import tiny"),
        ("edit/workbench.py", "from infill.cli import main"),
        ("edit/workbench.py", "from infill.models.native import TinyDenoiser"),
        ("models/tiny.py", "from infill.decode.policy import Policy"),
        ("models/tiny.py", "from infill.constrain.affix import Affixed"),
        ("models/tiny.py", "from infill.edit import view"),
        ("train/loop.py", "from infill.edit.view import View"),
        ("edit/files.py", "import click"),
        ("models/tiny.py", "import transformers"),
        ("constrain/engine/lattice.py", "import lark"),
        ("edit/whole.py", "from lark import Lark"),
        ("edit/whole.py", "from infill.trees.beam import search"),
        ("trees/tree.py", "import tree_sitter"),
        ("trees/beam.py", "from infill.cli import main"),
        ("cli/grammars.py", "import infill_grammars"),
        ("train/loss.py", "from click import echo"),
        ("unheard_of.py", "from infill.text import Span"),
        ("edit/workbench.py", "import infill_lsp.documents"),
        ("cli/lsp.py", "from pygls.lsp.server import LanguageServer"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path, place, line):
    bad = tmp_path / place
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text(line)
    assert 1 == len(layer_faults(tmp_path))


def test_the_language_server_imports_what_is_light_and_its_worker_what_samples():
    assert [] == server_faults(SERVER)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("server.py", "import numpy"),
        ("server.py", "def f():\n    import torch"),
        ("server.py", "from infill import fill"),
        ("server.py", "import infill"),
        ("server.py", "from infill.edit.workbench import Workbench"),
        ("server.py", "from infill.edit import holes"),
        ("server.py", "from infill.models.catalogue import load"),
        ("queue.py", "from infill.cli import main"),
        ("worker.py", "from infill.cli import main"),
        ("worker.py", "import torch"),
        ("networker.py", "import infill.decode"),
        ("documents.py", "from pygls.workspace import Workspace"),
        ("rebase.py", "import pygls"),
    ],
)
def test_an_import_that_makes_the_language_server_slow_is_found(tmp_path, place, line):
    (tmp_path / place).write_text(line)
    assert 1 == len(server_faults(tmp_path))


def test_what_the_language_server_may_import_is_no_fault(tmp_path):
    light = "from . import documents\nfrom .rebase import rebased\nimport infill.text\n"
    (tmp_path / "server.py").write_text(f"{light}import json\nimport pygls.server\n")
    heavy = "from infill.edit.workbench import Workbench\nimport infill.models.catalogue\n"
    (tmp_path / "worker_jobs.py").write_text(light + heavy)
    assert [] == server_faults(tmp_path)


@pytest.mark.parametrize("package", [PACKAGE, SERVER], ids=lambda package: package.name)
def test_files_and_functions_are_short(package):
    assert [] == length_faults(package)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("__init__.py", "\n" * 41),
        ("edit/long.py", "x = 1\n" * 401),
        ("edit/deep.py", "class A:\n    def f(self):\n" + "        x = 1\n" * 60),
        ("edit/waiting.py", "async def f():\n" + "    x = 1\n" * 60),
    ],
)
def test_a_long_file_or_function_is_found(tmp_path, place, text):
    bad = tmp_path / place
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text(text)
    assert 1 == len(length_faults(tmp_path))


def test_the_denoise_loop_is_under_thirty_lines():
    assert loop_lines((PACKAGE / "decode" / "loop.py").read_text()) < LONGEST_LOOP


def test_a_long_denoise_loop_is_found():
    assert loop_lines('def denoise():\n    """Says."""\n' + "    x = 1\n" * 30) == LONGEST_LOOP


@pytest.mark.parametrize("package", EXPORTING, ids=lambda package: package.__name__)
def test_the_public_names_are_complete_sorted_and_importable(package):
    assert [] == name_faults(list(package.__all__), package)
    namespace: dict[str, object] = {}
    exec(f"from {package.__name__} import *", namespace)  # noqa: S102 - what a user may write
    assert set(package.__all__) <= set(namespace)


@pytest.mark.parametrize(
    ("exported", "homes"),
    [
        (["b", "a"], ["a", "b"]),
        (["a", "missing"], ["a", "missing"]),
        (["a"], ["a", "b"]),
        (["a", "a"], ["a"]),
    ],
)
def test_a_wrong_list_of_public_names_is_found(exported, homes):
    class Module:
        a = b = 1
        _HOMES = dict.fromkeys(homes)

    assert name_faults(exported, Module)


@pytest.mark.parametrize("package", EXPORTING, ids=lambda package: package.__name__)
def test_every_public_name_lives_where_the_type_checker_is_told(package):
    tree = ast.parse(Path(package.__file__).read_text())
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module or "").startswith("infill.") and node.module != "infill._lazy"
    }
    assert package._HOMES == told
    for name, home in told.items():
        assert getattr(importlib.import_module(home), name) is getattr(package, name)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fil'"):
        _ = infill.fil


def test_import_infill_loads_neither_torch_nor_numpy():
    loaded = loaded_by("import infill", str(PACKAGE.parent))
    assert "infill" in loaded
    assert not loaded & {"torch", "numpy", "click", "rich", "tokenizers", "safetensors"}


def test_an_eager_import_is_found(tmp_path):
    (tmp_path / "infill.py").write_text("import numpy")
    assert "numpy" in loaded_by("import infill", str(tmp_path))


STDLIB_EDIT = ("blocks", "choices", "enclosing", "holes", "verify")
"""Modules of editing that an editor's server imports, which must answer at once."""


@pytest.mark.parametrize("name", STDLIB_EDIT)
def test_what_a_server_imports_of_editing_needs_no_numpy(name):
    loaded = loaded_by(f"import infill.edit.{name}", str(PACKAGE.parent))
    assert "infill" in loaded
    assert not loaded & {"torch", "numpy", "click", "rich", "lark", "interegular"}


def test_holes_errors_and_grammar_tests_need_no_torch():
    statement = "import infill.edit.holes, infill.constrain.affix, infill.edit.verify"
    loaded = loaded_by(statement, str(PACKAGE.parent))
    assert "numpy" in loaded
    assert "torch" not in loaded


def test_the_language_server_loads_neither_torch_nor_numpy():
    # "__main__" runs the server, and the worker is the process that has the model
    light = [
        ".".join(filter(None, ["infill_lsp", name]))
        for name, _, _ in modules(SERVER)
        if not is_worker(name) and name != "__main__"
    ]
    assert "infill_lsp.documents" in light
    loaded = loaded_by(f"import {', '.join(light)}", str(PACKAGE.parent), str(SERVER.parent))
    assert "infill_lsp" in loaded
    assert not loaded & {"torch", "numpy"}
