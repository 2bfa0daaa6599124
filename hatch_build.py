"""Compiles the core of the constraint engine while the package is built (a hatchling hook).

A wheel gets the library inside it and a tag that names its platform; an editable install gets it
beside the C files. Where no compiler is found, or it fails, one line says so and the build goes
on, because the engine in Python gives the same answers; INFILL_REQUIRE_CORE=1 makes it an error.
Knows nothing of what the core does, nor of how it is loaded.

>>> " ".join(arguments(["cc"], [Path("_a.c"), Path("_b.c")], Path("_core.so")))
'cc -O3 -std=c11 -fPIC -shared -fvisibility=hidden -o _core.so _a.c _b.c'
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig

SOURCES = "infill/constrain/**/_*.c"
LIBRARY = "_core.so"  # beside the C files; a Mac's ctypes loads this name as well
COMPILERS = ("cc", "gcc", "clang")
# no -march=native: a wheel runs on other machines than the one that built it
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden")
REQUIRED = "INFILL_REQUIRE_CORE"


class NotBuiltError(Exception):
    """The core could not be compiled; the message is the reason, on one line."""


def compiler() -> list[str]:
    """The compiler's command: $CC where it is set, else the first of COMPILERS that is there."""
    if named := shlex.split(os.environ.get("CC", "")):
        return named
    for name in COMPILERS:
        if shutil.which(name):
            return [name]
    raise NotBuiltError(f"there is no C compiler ({', '.join(COMPILERS)})")


def arguments(command: Sequence[str], sources: Sequence[Path], target: Path) -> list[str]:
    """The command line that makes `target`, a shared library, of C files."""
    return [*command, *FLAGS, "-o", str(target), *map(str, sources)]


def build(sources: Sequence[Path], target: Path) -> None:
    """Compile C files into `target`, which is replaced whole or not at all.

    Raises NotBuiltError where there is no compiler, or it fails.
    """
    command = compiler()
    # a process that runs the old library keeps it: the new one is another file, renamed over it
    fresh = target.with_name(f"{target.stem}.{os.getpid()}{target.suffix}")
    try:
        done = subprocess.run(  # noqa: S603 - the compiler that the user named or has
            arguments(command, sources, fresh), capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not fresh.exists():
            raise NotBuiltError(f"{shlex.join(command)} failed: {reason(done)}")
        fresh.replace(target)
    except OSError as error:
        raise NotBuiltError(f"{shlex.join(command)} could not run: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The line of a compiler's output that says most."""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return next((line for line in lines if "error" in line), lines[-1])


def is_current(library: Path) -> bool:
    """Whether a library is there and no C file beside it is newer."""
    made = library.stat().st_mtime if library.exists() else 0.0
    return all(source.stat().st_mtime <= made for source in library.parent.glob("*.[ch]"))


def build_in_place(sources: Sequence[Path], library: Path) -> None:
    """Compile a core beside its C files, or leave one that is there and current.

    Raises NotBuiltError, and leaves no core, where there is neither a compiler nor a current core.
    """
    try:
        build(sources, library)
    except NotBuiltError:
        if not is_current(library):
            library.unlink(missing_ok=True)  # not what the C files say: worse than none
            raise


class CoreHook(BuildHookInterface[WheelBuilderConfig]):
    """What hatchling calls before and after it makes a wheel."""

    _folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the core: in place for an editable install, else into the wheel only."""
        root = Path(self.root)
        sources = sorted(root.glob(SOURCES))
        try:
            if not sources:
                raise NotBuiltError(f"there are no C files ({SOURCES})")
            home = sources[0].with_name(LIBRARY)
            if version == "editable":
                build_in_place(sources, home)
            else:
                made = self._build_aside(sources)
                build_data["force_include"][str(made)] = str(home.relative_to(root))
                build_data["pure_python"] = False
                build_data["infer_tag"] = True
        except NotBuiltError as error:
            self._clean()
            self._go_on_without(error)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled for the wheel, which holds it by now."""
        del version, build_data, artifact_path
        self._clean()

    def _build_aside(self, sources: Sequence[Path]) -> Path:
        self._folder = Path(mkdtemp(prefix="infill-core-"))
        build(sources, self._folder / LIBRARY)
        return self._folder / LIBRARY

    def _clean(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _go_on_without(self, error: NotBuiltError) -> None:
        said = f"infill: the compiled core was not built, {error}"
        if os.environ.get(REQUIRED, "0") not in {"", "0"}:
            self.app.abort(f"{said}; {REQUIRED} is set, so that is an error")
        self.app.display_warning(f"{said}; the engine in Python runs in its place, slower")
