"""The work of `infill doctor`: each finding is something that was just tried or looked up."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

import infill
from infill.cli import installed
from infill.cli.configured import Settled
from infill.cli.configuring import state_of
from infill.cli.exits import Exit, code_of
from infill.cli.output import note, printable, wants_color
from infill.config.environment import unknown
from infill.config.files import Config
from infill.config.places import state_folder, user_file
from infill.errors import InfillError, OptionError
from infill.version import VERSION

State = Literal["ok", "warning", "error"]
HUES = {"ok": "green", "warning": "yellow", "error": "red"}
TRIAL = b"pair = (1, <FILL_ME>)\n"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `hint` is what to do about it."""

    about: str
    name: str
    state: State
    value: str
    hint: str = ""


def run(settled: Settled, *, form: str) -> Exit:
    """Look at everything, print it, and say with the exit code what is wrong."""
    findings = [*_versions(), *_extras(), *_engine(), *_folders()]
    config, said = _settings(settled)
    findings += [*said, *_environment()]
    fault = Exit.DONE if config is not None else Exit.INPUT
    if form == "text":
        _print(findings)
        note("loading the model…")
    tried, code = _trial(config)
    code = fault or code
    if form == "text":
        _print(tried)
    else:
        rows = [asdict(one) for one in [*findings, *tried]]
        click.echo(json.dumps({"schema": 1, "exit": int(code), "findings": rows}, indent=2))
    return code


def _print(findings: list[Finding]) -> None:
    colored = wants_color("auto", terminal=sys.stdout.isatty())
    for one in findings:
        state = click.style(f"{one.state:8}", fg=HUES[one.state]) if colored else f"{one.state:8}"
        click.echo(f"{state}{one.about:13}{one.name}: {printable(one.value)}".rstrip(": "))
        if one.hint:
            click.echo(f"{'':21}try: {printable(one.hint)}")


def _versions() -> Iterator[Finding]:
    yield Finding("version", "Python", "ok", f"{platform.python_version()} ({sys.executable})")
    yield Finding("version", "infill", "ok", f"{VERSION} ({Path(infill.__file__).parent})")
    yield Finding("version", "system", "ok", f"{platform.platform()}, {os.cpu_count()} CPUs")
    required = [need for need in installed.needs(installed.DISTRIBUTION) if not need.extra]
    if not required:
        yield Finding("version", installed.DISTRIBUTION, "warning", "is not installed as a package")
    for need in required:
        absent = [*installed.missing(need)]
        hint = f"pip install {' '.join(absent)}" if absent else ""
        state: State = "error" if absent else "ok"
        yield Finding("version", need.name, state, installed.version(need.name) or "missing", hint)


def _extras() -> Iterator[Finding]:
    wanted = [need for need in installed.needs(installed.DISTRIBUTION) if need.extra]
    for extra in sorted({need.extra for need in wanted}):
        absent = [
            name for need in wanted if need.extra == extra for name in installed.missing(need)
        ]
        value = f"without {', '.join(absent)}" if absent else "installed"
        hint = f'pip install "{installed.DISTRIBUTION}[{extra}]"' if absent else ""
        yield Finding("extra", extra, "ok", value, hint)
    if installed.version("tree-sitter") is not None:
        found = installed.languages()
        listing = ", ".join(f"{name} {release}" for name, release in found.items())
        hint = "" if found else "pip install tree-sitter-javascript, or another language"
        yield Finding("tree-sitter", "languages", "ok", listing or "none is installed", hint)


def _engine() -> Iterator[Finding]:
    from infill.constrain.engine.compiled import LIBRARY, library  # noqa: PLC0415 - numpy
    from infill.edit.grammars import names  # noqa: PLC0415 - numpy

    try:
        compiled = library() is not None
    except (OSError, AttributeError) as error:
        hint = "install infill again, where there is a C compiler"
        yield Finding("engine", "core", "error", f"{LIBRARY} cannot be used: {error}", hint)
    else:
        hint = "" if compiled else "install infill again, where there is a C compiler"
        value = "compiled" if compiled else "in Python, which gives the same and is far slower"
        yield Finding("engine", "core", "ok" if compiled else "warning", value, hint)
    yield Finding("grammar", "by name", "ok", ", ".join(names()))


def _folders() -> Iterator[Finding]:
    from infill.constrain.engine.kept import folder  # noqa: PLC0415 - numpy

    yield _folder("compiled grammars", folder())
    yield _folder("state", state_folder())


def _folder(name: str, path: Path) -> Finding:
    """A folder, how large it is, and whether something can be written there: that is tried."""
    if not os.path.lexists(path):
        above = next((parent for parent in path.parents if parent.exists()), Path(path.anchor))
        if above.is_dir() and os.access(above, os.W_OK):
            return Finding("folder", name, "ok", f"{path}, made when it is needed")
        hint = f"let another one be used, or make {above} writable"
        return Finding("folder", name, "warning", f"{path} cannot be made", hint)
    try:
        with tempfile.NamedTemporaryFile(dir=path):
            pass
        sizes = [one.stat().st_size for one in path.rglob("*") if one.is_file()]
    except OSError as error:
        value, hint = f"{path}: {error.strerror or error}", "make it writable"
        return Finding("folder", name, "warning", value, hint)
    value = f"{path}, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"
    return Finding("folder", name, "ok", value)


def _settings(settled: Settled) -> tuple[Config | None, list[Finding]]:
    """The configuration, None where something is wrong with it, and what was found."""
    findings: list[Finding] = []
    try:
        for file in settled.found():
            state, why = state_of(file)
            wrong = state == "broken" or bool(why)
            value = f"{file.path}, {state}{f', {why}' if why else ''}"
            findings.append(Finding("settings", file.kind, "error" if wrong else "ok", value))
            if file.shadowed is not None:
                value = f"{file.shadowed}: its [tool.infill] does not count beside {file.path.name}"
                findings.append(Finding("settings", "beside it", "warning", value))
        config = settled.config
    except OptionError as error:
        value = f"{error.what} ({error.where})" if error.where else error.what
        return None, [*findings, Finding("settings", "wrong", "error", value, error.hint)]
    if not findings:
        value = f"no file; your own would be {user_file()}"
        findings.append(Finding("settings", "files", "ok", value))
    findings += [
        Finding("settings", name, "ok", f"{value!r} ({config.origin(name)})")
        for name, value in config.given.items()
    ]
    return config, findings


def _environment() -> Iterator[Finding]:
    for name, close in unknown().items():
        hint = f"did you mean {close}?" if close else ""
        yield Finding("environment", name, "warning", "is no setting of infill", hint)


def _trial(config: Config | None) -> tuple[list[Finding], Exit]:
    """Load the model that is set and fill one hole with it, as small as one can be."""
    values = (config or Config()).values
    findings: list[Finding] = []
    started = time.perf_counter()
    try:
        from infill.models.catalogue import use_threads  # noqa: PLC0415 - kept with its use

        if values["threads"]:
            use_threads(values["threads"])
        denoiser = infill.load(values["model"])
        can, took = denoiser.capabilities, time.perf_counter() - started
        said = f"{can.name} on {can.device}, sha256 {can.digest[:12]}, loaded in {took:.1f} s"
        findings.append(Finding("model", str(values["model"]), "ok", said))
        started = time.perf_counter()
        settings = infill.Settings(seed=values["seed"], max_tokens=4)
        proposal = infill.fill(TRIAL, language="python", model=denoiser, settings=settings)
    except InfillError as error:
        about, place = "fill" if findings else "model", error.got or error.where
        text = f"{error.what} ({place})" if place else error.what
        findings.append(Finding(about, str(values["model"]), "error", text, error.hint))
        return findings, code_of(error)
    except Exception as error:  # noqa: BLE001 - a broken installation has all kinds of errors
        about = "fill" if findings else "model"
        text = f"{type(error).__name__}: {error}"
        findings.append(Finding(about, str(values["model"]), "error", text))
        return findings, Exit.FAILED if about == "fill" else Exit.MODEL
    took = time.perf_counter() - started
    text = " ".join(repr(hole.text) for hole in proposal.holes)
    value = f"{text} in {took:.1f} s, {proposal.forwards} forwards"
    return [*findings, Finding("fill", "one hole", "ok", value)], Exit.DONE
