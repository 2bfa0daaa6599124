"""Benchmarks: times are reported, never asserted; counts are committed and compared.

`make bench` prints the figures that README quotes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

EXPECTED = Path(__file__).parent / "expected"
FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.section("figures")
    for name, figure in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{name:<48} {figure}")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Keep one figure for the summary."""

    def keep(name: str, text: str) -> None:
        request.config.stash[FIGURES][name] = text

    return keep


@pytest.fixture
def counted() -> Callable[[str, dict[str, int]], None]:
    """Compare counts with the committed ones: these do not depend on the machine."""

    def compare(name: str, counts: dict[str, int]) -> None:
        assert json.loads((EXPECTED / f"{name}.json").read_text()) == counts

    return compare
