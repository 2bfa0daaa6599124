"""Diffs in colours: a line is what its hunk says, whatever it looks like."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.patch import patch_of
from infill.cli.output import painted

TEXTS = st.lists(st.sampled_from(["a", "-- b", "++ c", "@@ -1 +1 @@", "diff --git", "", "\x1b[2J"]))


def paint(before, after):
    return "".join(painted(patch_of(before, after, "x").decode()))


@given(before=TEXTS, after=TEXTS)
def test_colours_add_nothing_and_every_changed_line_has_its_own(before, after):
    old, new = ("".join(f"{line}\n" for line in lines).encode() for lines in (before, after))
    text = patch_of(old, new, "x").decode()
    shown = paint(old, new)
    assert text.replace("\x1b", "␛") == click.unstyle(shown)
    removed, added = (shown.count(f"\x1b[{color}m") for color in (31, 32))
    assert len(after) - len(before) == added - removed


def test_all_files_of_a_patch_are_painted():
    patch = patch_of(b"a\n", b"b\n", "x", git=True) + patch_of(b"-- a\n", b"b\n", "y", git=True)
    lines = "".join(painted(patch.decode())).splitlines()
    assert lines[7:] == [
        "\x1b[1mdiff --git a/y b/y\x1b[0m",
        lines[8],
        "\x1b[1m--- a/y\x1b[0m",
        "\x1b[1m+++ b/y\x1b[0m",
        "\x1b[36m@@ -1 +1 @@\x1b[0m",
        "\x1b[31m--- a\x1b[0m",
        "\x1b[32m+b\x1b[0m",
    ]


@pytest.mark.parametrize(
    ("before", "after", "returns"),
    [(b"a\r\n", b"b\r\n", 0), (b"a\r\n", b"a\n", 1), (b"a\n", b"a\r\n", 1)],
)
def test_carriage_returns_are_shown_where_they_are_what_differs(before, after, returns):
    assert returns == paint(before, after).count("␍")
