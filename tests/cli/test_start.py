"""Starting: quick, light, and true to what the help says."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from infill.cli import main
from infill.cli.exits import KINDS, Exit, code_of
from infill.cli.output import wants_color
from infill.decode.candidates import Sampling
from infill.decode.revision import Revision
from infill.edit import choices
from infill.edit.settings import Settings
from infill.errors import InfillError, MoveError, StaleError, WeightsError, WriteError

HEAVY = {"torch", "numpy", "tokenizers", "safetensors", "rich"}


def python(*arguments, **environ):
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


def loaded_by(*arguments):
    """The heavy modules that a command line imports."""
    code = (
        "import sys\nfrom infill.cli import main\n"
        f"try: main({list(arguments)!r}, prog_name='infill')\n"
        f"except SystemExit: print('loaded:', *({HEAVY!r} & set(sys.modules)))"
    )
    result = python("-c", code)
    assert "loaded:" in result.stdout, result.stderr
    return set(result.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["fill", "--help"], ["trace", "play", "-h"], ["fill", "--sed"]],
)
def test_help_imports_nothing_heavy(arguments):
    assert set() == loaded_by(*arguments)


def test_traces_are_played_without_torch(tmp_path):
    assert loaded_by("trace", "play", str(tmp_path / "gone")) <= {"numpy", "rich"}


def test_the_guard_against_heavy_imports_can_fail(tmp_path):
    assert "numpy" in loaded_by("trace", "stats", str(tmp_path / "gone"))


def test_help_is_there_at_once():
    times = []
    for _ in range(3):  # the best of three: the machine may be busy
        started = time.perf_counter()
        assert "fill" in python("-m", "infill", "--help").stdout
        times.append(time.perf_counter() - started)
    assert min(times) < 0.3


def test_the_version_is_the_distribution_s():
    from importlib.metadata import version  # noqa: PLC0415 - used here only

    assert f"infill, version {version('infill-lm')}\n" == python("-m", "infill", "--version").stdout


def test_defaults_of_options_are_those_of_settings():
    options = {option.name: option.default for option in main.commands["fill"].params}
    sampling, settings = Sampling(), Settings()
    for name in ("temperature", "top_p", "top_k"):
        assert getattr(sampling, name) == options[name]
    for name in ("seed", "tries", "max_tokens", "marker"):
        assert getattr(settings, name) == options[name]
    assert settings.policy == choices.policy_named(options["policy"], sampling)
    assert settings.schedule == choices.schedule_named(options["schedule"], None)


def test_every_name_makes_its_policy_with_the_sampling():
    sampling = Sampling(temperature=0.5)
    for name in choices.POLICIES:
        policy = choices.policy_named(name, sampling)
        assert name.replace("-", "") == type(policy).__name__.lower()
        drawing = policy.inner if isinstance(policy, Revision) else policy
        assert sampling == drawing.sampling


def test_every_command_and_option_has_help():
    def commands(group, path):
        for name, command in group.commands.items():
            yield f"{path} {name}", command
            if isinstance(command, click.Group):
                yield from commands(command, f"{path} {name}")

    for name, command in commands(main, "infill"):
        assert command.help, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{name} {option.name}"


def test_the_nearest_kind_decides_an_error_s_code():
    assert code_of(StaleError("")) == Exit.STALE
    assert code_of(WriteError("")) == Exit.FAILED
    assert code_of(WeightsError("")) == Exit.MODEL
    assert code_of(MoveError("")) == Exit.FAILED
    assert all(issubclass(kind, InfillError) for kind, _ in KINDS)


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_color_follows_the_option_then_the_environment_then_the_terminal(
    choice, environ, terminal, expected
):
    assert expected == wants_color(choice, terminal=terminal, environ=environ)


@pytest.mark.parametrize(
    ("shell", "said"), [("bash", "complete"), ("zsh", "#compdef infill"), ("fish", "complete")]
)
def test_completion_scripts_name_the_command(run, shell, said):
    result = run("completion", shell)
    assert result.exit_code == 0
    assert said in result.stdout
    assert "_INFILL_COMPLETE" in result.stdout


def test_completion_completes():
    result = python(
        "-m",
        "infill",
        _INFILL_COMPLETE="bash_complete",
        COMP_WORDS="infill fill --policy en",
        COMP_CWORD="3",
    )
    assert result.stdout.split() == ["plain,entropy", "plain,entropy-bounded"]


def test_models_lists_the_embedded_one_and_folders(run):
    result = run("models")
    assert result.exit_code == 0
    names = [line.removeprefix("*").split()[0] for line in result.stdout.splitlines()]
    assert names == ["embedded", "DIR", "…:int8"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--log-file", "no/such/folder/log"), "No such file or directory"),
        (("--tcp", "80", "--ws", "81"), "choose one of"),
        (("--tcp", "0"), "1<=x<=65535"),
    ],
)
def test_a_language_server_that_cannot_be_started_says_why(arguments, reason):
    done = CliRunner().invoke(main, ["lsp", *arguments])
    assert (2, True) == (done.exit_code, reason in done.output)
