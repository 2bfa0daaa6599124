"""Settings on the command line: above files and environment, and out of the way of help."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
from itertools import product

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from settings_drawn import SETTINGS

from infill.batch.codec import task_from
from infill.batch.jobs import rows
from infill.batch.planning import Plan
from infill.cli import installed, main
from infill.cli.configured import Configured, config_options, settle
from infill.cli.configuring import shown, toml
from infill.cli.installed import Need
from infill.config.files import Config, Layer
from infill.config.schema import KEYS
from infill.edit.recipe import Recipe


@click.group(cls=Configured)
@config_options
@click.pass_context
def group(context, config_file, *, no_config):
    settle(context, config_file, no_config=no_config)


@group.command()
@click.option("--seed", default=0, show_default=True)
@click.option("--exclude", multiple=True)
@click.option("--one-line/--many-lines", default=True, show_default=True)
@click.option("--time-limit", type=float)
@click.option("--tries", type=click.IntRange(1, 9), default=8)
@click.option("--own", default=1)
def told(**options):
    click.echo(json.dumps(options))


@group.group("inner")
def inner(): ...


@inner.command()
@click.option("--seed", default=0)
def deep(seed):
    click.echo(json.dumps({"seed": seed}))


def asked(*arguments):
    return click.testing.CliRunner().invoke(group, [*arguments])


def test_flags_are_above_the_environment_and_that_above_files(home, monkeypatch):
    def seeds():
        found = [asked("told"), asked("told", "--seed", "9"), asked("inner", "deep")]
        return [json.loads(one.stdout)["seed"] for one in found]

    assert [0, 9, 0] == seeds()
    (home / "infill.toml").write_text("seed = 3\n")
    assert [3, 9, 3] == seeds()
    monkeypatch.setenv("INFILL_SEED", "5")
    assert [5, 9, 5] == seeds()
    monkeypatch.setenv("INFILL_SEED", "")
    assert [3, 9, 3] == seeds()


SOURCES = ("flag", "environment", "project", "user")


@pytest.mark.parametrize("there", [*product((False, True), repeat=4)])
def test_of_all_sources_together_the_highest_wins(home, tmp_path, monkeypatch, there):
    present = dict(zip(SOURCES, there, strict=True))
    seeds = {source: number for number, source in enumerate(SOURCES, 1)}
    if present["environment"]:
        monkeypatch.setenv("INFILL_SEED", str(seeds["environment"]))
    if present["project"]:
        (home / "infill.toml").write_text(f"seed = {seeds['project']}\n")
    if present["user"]:
        own = tmp_path / "own" / "infill" / "config.toml"
        own.write_text(f"seed = {seeds['user']}\n")
    flag = ["--seed", seeds["flag"]] if present["flag"] else []
    found = json.loads(asked("told", *map(str, flag)).stdout)
    assert next((seeds[source] for source in SOURCES if present[source]), 0) == found["seed"]


def test_options_of_all_kinds_have_their_values_from_a_file(home):
    (home / "infill.toml").write_text(
        "exclude = ['a b', '*.c']\none_line = false\ntime_limit = 3\nmax_tokens = 4\n"
    )
    found = json.loads(asked("told").stdout)
    assert {
        "exclude": ["a b", "*.c"],
        "one_line": False,
        "time_limit": 3.0,
    }.items() <= found.items()
    found = json.loads(asked("told", "--one-line", "--exclude", "x").stdout)
    assert {"exclude": ["x"], "one_line": True}.items() <= found.items()


@pytest.mark.usefixtures("home")
def test_an_option_that_is_no_setting_is_not_in_the_environment(monkeypatch):
    monkeypatch.setenv("INFILL_OWN", "2")
    monkeypatch.setenv("INFILL_TOLD_SEED", "2")
    assert {"own": 1, "seed": 0}.items() <= json.loads(asked("told").stdout).items()


def test_no_config_reads_no_file_and_config_another(home, tmp_path, monkeypatch):
    (home / "infill.toml").write_text("seed = 3\n")
    (tmp_path / "own" / "infill" / "config.toml").write_text("tries = 4\n")
    (home / "other.toml").write_text("seed = 5\n")
    monkeypatch.setenv("INFILL_TIME_LIMIT", "7")
    names = ("seed", "tries", "time_limit")

    def found(*arguments):
        values = json.loads(asked(*arguments, "told").stdout)
        return [values[name] for name in names]

    assert [3, 4, 7.0] == found()
    assert [0, 8, 7.0] == found("--no-config")
    assert [5, 4, 7.0] == found("--config", "other.toml")
    assert 2 == asked("--config", "gone.toml", "told").exit_code
    assert "choose one" in asked("--config", "x", "--no-config", "told").output


def test_a_value_that_an_option_refuses_is_told_with_its_origin(home):
    (home / "infill.toml").write_text("\ntries = 30\n")
    refused = asked("told")
    assert (2, True) == (refused.exit_code, "1<=x<=9 (infill.toml:2)" in refused.output)
    assert "(infill.toml" not in asked("told", "--tries", "31").output


def test_help_shows_what_holds(home):
    (home / "infill.toml").write_text("seed = 77\none_line = false\n")
    shown = asked("told", "--help").output
    assert "[default: 77]" in shown
    assert "[default: many-lines]" in shown
    (home / "infill.toml").write_text("seed = \n")
    assert asked("--no-config", "told", "--help").output == asked("told", "--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["fill", "--help"],
        ["config", "--help"],
        ["config", "path"],
        ["config", "schema"],
        ["config", "untrust", "--help"],
        ["completion", "bash"],
        ["models"],
        ["trace", "--help"],
        ["grammar", "list"],
    ],
)
def test_what_needs_no_settings_works_where_they_are_broken(home, run, arguments):
    (home / "infill.toml").write_text("seed = \n")
    assert 0 == run(*arguments).exit_code


@pytest.mark.parametrize(
    "arguments", [["fill", "a.py"], ["config", "show"], ["grammar", "check", "a.json"], ["doctor"]]
)
def test_what_needs_them_says_what_is_wrong(home, run, arguments):
    (home / "infill.toml").write_text("seed = 1\nsede = 2\n")
    (home / "a.py").write_text("x = <FILL_ME>\n")
    result = run(*arguments)
    assert 2 == result.exit_code
    assert "there is no setting 'sede'" in result.output
    assert "infill.toml:2" in result.output
    assert "did you mean 'seed'?" in result.output


def test_a_broken_file_is_listed_as_such(home, run):
    (home / "infill.toml").write_text("seed = 1\nsede = 2\n")
    [row] = json.loads(run("config", "path", "--format", "json").stdout)
    assert ("project", "broken") == (row["kind"], row["state"])


@given(some=st.lists(SETTINGS, max_size=8))
def test_what_is_shown_is_a_file_that_says_the_same(some):
    values = {key.name: key.taken(value) for key, value in some}
    config = Config((Layer(values, lambda _: "a\nfile"),))

    @click.command()
    @click.option("--origin", is_flag=True)
    @click.option("--format", "form", default="text")
    def show(**options):
        shown(config, **options)

    def flat(table, prefix=""):
        for name, value in table.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield (
                    f"{prefix}{name}",
                    value if value is None else KEYS[prefix + name].taken(value),
                )

    for arguments in ([], ["--origin"]):
        text = click.testing.CliRunner().invoke(show, arguments).stdout_bytes.decode()
        again = dict(flat(tomllib.loads(text)))
        expected = {name: value for name, value in config.values.items() if value is not None}
        assert expected == {name: value for name, value in again.items() if value is not None}
    told = click.testing.CliRunner().invoke(show, ["--format", "json"])
    assert config.values == {n: v for n, v in flat(json.loads(told.stdout)) if n in KEYS}


def test_origins_are_shown(home, run, monkeypatch):
    (home / "infill.toml").write_text("seed = 1\n")
    monkeypatch.setenv("INFILL_TRIES", "2")
    found = json.loads(run("config", "show", "--origin", "--format", "json").stdout)
    assert {"value": 1, "origin": "infill.toml:1"} == found["seed"]
    assert {"value": 2, "origin": "environment INFILL_TRIES"} == found["tries"]
    assert {"value": 24, "origin": "default"} == found["max_tokens"]


@pytest.mark.parametrize("value", ["\x85", "\u2028", "\x7f", "\\", '"', "\r\n", "é𝒳"])
def test_every_text_can_be_written_as_toml(value):
    assert {"a": value} == tomllib.loads(f"a = {toml(value)}")


def test_help_reads_no_settings():
    code = (
        "import sys\nfrom infill.cli import main\ntry: main(['--help'])\n"
        "except SystemExit: print(*{'tomllib', 'platformdirs', 'infill.config.schema', 'numpy'}"
        " & {*sys.modules}, sep='|', end='.')"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("\n.")


def test_every_command_has_its_settings_from_the_group():
    assert isinstance(main, Configured)
    assert {"config_file", "no_config"} <= {option.name for option in main.params}
    assert not {"config", "state", "cache"} & set(KEYS)


# -- doctor


def findings(result):
    return json.loads(result.stdout)["findings"]


def test_the_doctor_tries_the_model_and_a_fill(home, run, monkeypatch):
    monkeypatch.setenv("INFILL_SEDE", "1")
    (home / "infill.toml").write_text("seed = 1\n")
    (home / "pyproject.toml").write_text("[tool.infill]\n")
    result = run("doctor", "--format", "json")
    assert (0, 0) == (result.exit_code, json.loads(result.stdout)["exit"])
    by_name = {(one["about"], one["name"]): one for one in findings(result)}
    assert by_name["fill", "one hole"]["state"] == "ok"
    assert "sha256" in by_name["model", "embedded"]["value"]
    assert by_name["settings", "seed"]["value"] == "1 (infill.toml:1)"
    assert by_name["settings", "beside it"]["state"] == "warning"
    assert by_name["environment", "INFILL_SEDE"]["hint"] == "did you mean INFILL_SEED?"


@pytest.mark.usefixtures("home")
def test_the_doctor_tells_a_model_that_cannot_be_loaded(run, monkeypatch):
    monkeypatch.setenv("INFILL_MODEL", "/no/where")
    result = run("doctor")
    assert 5 == result.exit_code
    assert "error   model" in result.stdout


@pytest.mark.usefixtures("home")
def test_the_doctor_tells_a_model_that_breaks(run, monkeypatch):
    monkeypatch.setattr("infill.load", lambda _: 1 / 0, raising=False)
    result = run("doctor", "--format", "json")
    assert 5 == result.exit_code
    assert "ZeroDivisionError: division by zero" == findings(result)[-1]["value"]


def test_the_doctor_tells_what_is_refused_for_want_of_trust(home, run, monkeypatch):
    monkeypatch.setattr("infill.load", lambda _: 1 / 0, raising=False)
    (home / "infill.toml").write_text("threads = 1\n")
    result = run("doctor", "--format", "json")
    said = [one["value"] for one in findings(result) if one["about"] == "settings"]
    assert 2 == result.exit_code
    assert said[0].endswith("not trusted, refused because of threads")


@pytest.mark.usefixtures("home")
def test_the_doctor_tells_folders_that_cannot_be_written(run, monkeypatch, tmp_path):
    monkeypatch.setattr("infill.load", lambda _: 1 / 0, raising=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("INFILL_STATE", str(tmp_path / "file"))
    states = {one["name"]: one["state"] for one in findings(run("doctor", "--format", "json"))}
    assert ("warning", "warning") == (states["compiled grammars"], states["state"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("click>=8.1", Need("click")),
        ("pygls[ws]<3,>=2.1; extra == 'ws'", Need("pygls", ("ws",), "ws")),
        ('a.b[c, d] ; python_version < "3" and extra == "e"', Need("a.b", ("c", "d"), "e")),
    ],
)
def test_requirements_are_read(text, expected):
    assert expected == installed.need(text)


def test_what_is_missing_is_found_through_extras(monkeypatch):
    monkeypatch.setattr(installed, "version", lambda name: None if name == "inner" else "1")
    wants = {"outer": [Need("inner", (), "x"), Need("always")]}
    monkeypatch.setattr(installed, "needs", lambda name: wants.get(name, []))
    assert ["inner"] == [*installed.missing(Need("outer", ("x",)))]
    assert [] == [*installed.missing(Need("outer"))]
    assert ["inner"] == [*installed.missing(Need("inner"))]


def test_a_grammar_of_the_project_is_no_mistake_of_a_check_that_asks_none(run, home):
    (home / "infill.toml").write_text('grammar = "json"\n')
    (home / "a.py").write_text("x = 1\n")
    assert run("check", "a.py").exit_code == 0
    told = run("check", "a.py", "--grammar", "json")
    assert (told.exit_code, "--completable" in told.stderr) == (2, True)


def test_a_job_says_settings_as_a_file_does():
    line = b'{"text": "x", "language": "python", "grammar": "auto", "temperature": 1}'
    plan = Plan(operation="fill", recipe=Recipe(grammar="json"), find=lambda _source, _: ())
    [row] = rows(io.BytesIO(line), "jobs", plan, finder=lambda _: plan.find)
    assert Recipe(temperature=1.0) == task_from(row.task, b"x").recipe


@pytest.mark.parametrize("name", ["INFILL_CONFIG", "INFILL_STATE"])
def test_a_home_that_nobody_has_is_told(run, monkeypatch, name):
    monkeypatch.setenv(name, "~no-such-user/x")
    told = run("config", "path") if name == "INFILL_CONFIG" else run("runs")
    assert (told.exit_code, "no such home" in told.stderr) == (2, True)
