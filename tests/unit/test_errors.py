"""Errors: five questions, one tree, and the tree that the docstring draws."""

from __future__ import annotations

import inspect
import re

import pytest

from infill import errors
from infill.errors import HoleError, InfillError, UnverifiedError
from infill.limits import DEFAULT, Limits


def classes() -> dict[str, type[InfillError]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, InfillError)
    }


def test_the_docstring_draws_the_tree_that_there_is():
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.cleandoc(errors.__doc__).splitlines():
        if found := re.match(r"^    ([│ ]*(?:[├└]── )?)(\w+Error)\s", line):
            depth = len(found[1]) // 4
            path = [*path[:depth], found[2]]
            if depth:
                drawn[path[-1]] = path[-2]
    real = {
        name: kind.__base__.__name__ for name, kind in classes().items() if name != "InfillError"
    }
    assert real == drawn


@pytest.mark.parametrize("name", sorted(classes()))
def test_an_error_answers_five_questions_in_order(name):
    extra = {"proposal": None} if name == "UnverifiedError" else {}
    error = classes()[name](
        "what is wrong", where="a.py", expected="this", got="that", hint="another", **extra
    )
    assert str(error) == (
        "what is wrong\n  where: a.py\n  expected: this\n  got: that\n  try: another"
    )
    assert isinstance(error, InfillError)


def test_what_is_not_known_is_not_printed():
    assert str(HoleError("no hole", got="x")) == "no hole\n  got: x"
    assert str(HoleError("no hole")) == "no hole"


def test_an_unverified_error_carries_the_evidence():
    error = UnverifiedError("none parses", proposal=1, traces=(2, 3))
    assert (1, (2, 3)) == (error.proposal, error.traces)


def test_every_limit_is_explained_and_positive():
    for name in Limits.__slots__:
        assert re.search(rf"^ +{name}  +\S", Limits.__doc__, re.MULTILINE)
        assert getattr(DEFAULT, name) is None or getattr(DEFAULT, name) > 0
