"""Blocks of a text, scopes of code, and fills that are judged in a part of a text alone."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infill.edit.blocks import REACH, block_around
from infill.edit.enclosing import enclosing
from infill.edit.holes import Hole, find_holes
from infill.edit.settings import Settings
from infill.edit.verify import verify
from infill.edit.workbench import Workbench
from infill.errors import FillError, HoleError, OptionError, UnverifiedError
from infill.limits import Limits
from infill.models.scripted import Scripted, byte_vocab, favour, noise
from infill.text import Source, Span

VOCAB = byte_vocab(b"return", b"turn", b"    ", b"\n    ", b"def ", "é".encode())
MARKER = "<FILL_ME>"
GOOD = (
    "import os\n",
    "x = 1\n\n",
    "@cached\n@other(1,\n   2)\ndef f(a):\n    '''It's.'''\n    return a\n\n\n",
    "class A:\n    # a\n\n# b\n    y = 'é'\n",
    "if x:\n    y = 2\nelif y:\n    pass\nelse:\n    y = 3\n",
    "try:\n    pass\nexcept* E:\n    pass\nfinally:\n    pass\n",
    'TEXT = """\ndef f():\n"""\n',
    "z = [\n    1,\n]\n",
    'y = """a\\"""\nb""" \'"\'\n',
    "w = 1 + \\\n2\n",
    "async def g():\n\treturn 1\n",
)
BROKEN = ("def f(:\n    pass\n", "x = (1,\n\n", "class\n", "y = 'a\n", 'def g():\n    """Doc\n')
"""Each is wrong by itself, and leaves nothing open but what a line ends."""
LEADS = ("", "\n", "# a\n\n")


def block(text: str, *spans: tuple[int, int], language: str | None = "python") -> str:
    data = text.encode()
    found = block_around(Source(data), language, [Span(*span) for span in spans])
    return data[found.start : found.stop].decode()


@given(st.sampled_from(LEADS), st.lists(st.sampled_from(GOOD), min_size=1, max_size=6), st.data())
def test_blocks_are_the_statements_of_the_module_and_what_follows_them(lead, parts, data):
    source = Source(f"{lead}{''.join(parts)}".encode())
    tree = ast.parse(source.data)
    firsts = [min([n.lineno, *(d.lineno for d in getattr(n, "decorator_list", ()))])
              for n in tree.body]  # fmt: skip
    starts = [source.line_starts[line - 1] for line in firsts]
    bounds = [0, *starts, len(source.data)]
    at = data.draw(st.integers(0, len(source.data)))
    found = block_around(source, "python", [Span(at, at)])
    expected = [(a, b) for a, b in pairwise(bounds) if a <= at and (at < b or b == bounds[-1])]
    assert (found.start, found.stop) in expected


@given(st.lists(st.sampled_from(GOOD + BROKEN), min_size=2, max_size=7), st.data())
def test_the_block_of_two_places_is_the_blocks_of_both_and_between(parts, data):
    source = Source("".join(parts).encode())
    places = sorted(data.draw(st.integers(0, len(source.data))) for _ in range(2))
    one, other = (block_around(source, "python", [Span(at, at)]) for at in places)
    both = block_around(source, "python", [Span(at, at) for at in places])
    whole = block_around(source, "python", [Span(*places)])
    assert both == whole
    assert (one.start, other.stop) == (both.start, both.stop)


@given(
    st.lists(st.sampled_from(GOOD + BROKEN), max_size=4),
    st.sampled_from(GOOD),
    st.lists(st.sampled_from(GOOD + BROKEN), max_size=4),
)
def test_a_good_block_is_found_whatever_is_broken_around_it(before, part, after):
    assume(part.count('"""') == 0 or BROKEN[-1] not in before)
    text = "".join(before)
    at = len(text.encode())
    size = len(part.encode())
    found = block(f"{text}{part}{''.join(after)}", (at, at + size))
    assert found.strip() == part.strip()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(mark, newline):
    text = mark + "".join(GOOD).replace("\n", newline)
    at = text.encode().index(b"return a")
    assert GOOD[2].replace("\n", newline) == block(text, (at, at + 3))
    first = len(mark.encode())
    assert GOOD[0].replace("\n", newline) == block(text, (first, first))
    assert mark + block(text, (at, at), language="json") == text


def test_a_decorator_right_behind_a_byte_order_mark_is_that_of_its_function():
    text = f"\ufeff{GOOD[2]}{GOOD[1]}"
    for at in (3, text.index("def") + 3):
        assert GOOD[2] == block(text, (at, at))


def test_a_string_that_was_never_finished_ends_where_the_next_one_begins():
    text = (
        '\ndef f():\n    """Doc\n    return 1\n\ndef g():\n    """Doc."""\n    return 2\n\ny = 1\n'
    )
    at = text.index("return 2")
    assert block(text, (at, at)).startswith("def g")
    assert block(text, (at, at)).endswith("2\n\n")


def test_a_long_text_is_read_near_the_place_only():
    part = "def f(x):\n    '''Doc.'''\n    return x\n\n\n"
    count = 2 * REACH // len(part) + 1
    inside = 'TEXT = """\n' + "words\n" * 40 + '"""\n'
    text = part * count + inside + "x = 1\n" + part * count
    at = text.index("words\nwords\n", text.index("TEXT") + 99)
    assert inside == block(text, (at, at))
    at = text.index("x = 1")
    assert block(text, (at, at)) == "x = 1\n"
    at = len(part * count) // 2
    assert part == block(text, (at, at))


def fill(text: str, *, scope=None, seed: int = 0, holes=None, **options):
    model = Scripted(VOCAB, noise(VOCAB, seed))
    bench = Workbench(model, Settings(seed=seed, max_tokens=6, **options))
    return bench.fill(text, holes, language="python", scope=scope)


def around(text: str) -> Span:
    data = text.encode()
    return block_around(Source(data), "python", [Span(data.index(b"<"), data.index(b">") + 1)])


HOLED = (
    f"x = {MARKER}\n",
    f"{MARKER}\n",
    f"re{MARKER}\n",
    f"def f(a):\n    y = {MARKER}\n    return a + {MARKER}\n",
    f"if a:\n\tx = ({MARKER})\n",
    f"x = f({MARKER}",
)


@settings(max_examples=30)
@given(
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.sampled_from(BROKEN[:3]), max_size=2),
    st.sampled_from(HOLED),
    st.lists(st.sampled_from(BROKEN[:3]), max_size=2),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_block_is_filled_whatever_is_broken_around_it(mark, before, part, after, newline):
    part = part if not after or part.endswith("\n") else f"{part}\n"
    text = f"{mark}{''.join(before)}{part}{''.join(after)}".replace("\n", newline)
    scope = around(text)
    assert scope.start >= len(mark.encode())
    proposal = fill(text, scope=scope, seed=len(text))
    assert proposal.scope == scope
    assert proposal.ok
    grown = len(proposal.data) - len(text.encode())
    block = proposal.data[scope.start : scope.stop + grown]
    assert verify(block, "python").ok
    data = text.encode()
    assert proposal.data.startswith(data[: scope.start])
    assert proposal.data.endswith(data[scope.stop :])


@settings(max_examples=15)
@given(
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.sampled_from(GOOD[:5]), max_size=3),
    st.sampled_from(HOLED),
    st.integers(0, 9),
)
def test_with_all_of_the_text_as_scope_nothing_changes(mark, before, part, seed):
    text = f"{mark}{''.join(before)}{part}"
    whole = Span(0, len(text.encode()))
    without, scoped = fill(text, seed=seed), fill(text, scope=whole, seed=seed)
    assert without.scope is None
    assert scoped.scope == whole
    assert (without.edits, without.holes, without.forwards, without.checks) == (
        scoped.edits, scoped.holes, scoped.forwards, scoped.checks,
    )  # fmt: skip


def test_the_model_is_shown_the_text_around_a_scope():
    text = f"def f(:\nx = {MARKER}\ny = 1\n"
    model = Scripted(VOCAB, noise(VOCAB))
    frames = Workbench(model, Settings()).stream(text, language="python", scope=around(text))
    shown = next(frames).canvas.text(VOCAB)
    assert (shown.startswith(b"def f(:"), shown.endswith(b"y = 1\n")) == (True, True)


def test_what_fails_in_a_scope_is_told_with_its_place():
    text = f"x = (\n\ndef f():\n    return {MARKER}\n    y = )\n"
    with pytest.raises(FillError, match="no text of the grammar fits"):
        fill(text, scope=around(text))
    model = Scripted(VOCAB, favour(VOCAB, b"x"))
    bench = Workbench(model, Settings(tries=1))
    with pytest.raises(UnverifiedError, match=r"\(line 3, .*\), in the text from line 3 on"):
        bench.fill(text, language="python", grammar=False, scope=around(text))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Span(0, 9), "outside of the scope"),
        (Span(9, 20), "outside of the scope"),
        (Span(0, 99), "past the end"),
        (Span(1, 24), "cuts a character"),
    ],
)
def test_a_scope_holds_all_holes_and_lies_in_the_text(scope, said):
    with pytest.raises(HoleError, match=said):
        fill("é = 1\nx = 2\ny = 3\nz = 4\n", holes=[Hole(11, 12), Hole(23, 24)], scope=scope)


def test_only_the_markers_of_a_scope_are_holes():
    source = Source.of(f"a = '\nx = {MARKER}\ny = {MARKER}\nz = '{MARKER}'\n")
    at = source.data.index(b"y =")
    found = find_holes(source, MARKER, language="python", scope=Span(at, at + 14))
    assert [(hole.start, hole.stop) for hole in found] == [(at + 4, at + 13)]
    with pytest.raises(HoleError, match="no hole in the text"):
        find_holes(source, MARKER, language="python", scope=Span(0, 5))
    with pytest.raises(HoleError, match="inside a string"):
        find_holes(source, MARKER, language="python")


def test_a_scope_at_a_hole_offers_none_of_the_text_outside_again():
    """The tokens left of the hole would be healed; they are not the scope's."""
    text = "x = f(retu)\n"
    model = Scripted(VOCAB, noise(VOCAB))
    bench = Workbench(model, Settings(limits=Limits(context=128)))
    for scope, healed in ((None, b"retu"), (6, b"retu"), (8, b""), (10, b"")):
        part = None if scope is None else Span(scope, 12)
        frame = next(bench.stream(text, [Hole(10, 10)], grammar=False, scope=part))
        assert (healed, b"") == frame.window.affixes[0]


# -- functions and classes

CODE = (
    "import os\n\n"
    "@one\n@two(\n    3)\nclass A:\n"
    "    x = 1\n\n"
    "    @three\n    async def f(\n        self,\n    ):\n"
    "        def g():\n            return 1\n\n"
    "        return g\n\n"
    "    y = 2\n\n"
    "def h():\n\tif h:\n\t\treturn 1\n\n# b\n\treturn 2\n\n"
    "z = 3\n"
)
PLACES = {"x = 1": ("", "A"), "self": ("f", "A"), "return 1\n\n        r": ("g", "A"),
          "return g": ("f", "A"), "y = 2": ("", "A"), "return 2": ("h", ""), "z = 3": ("", ""),
          "import": ("", ""), "three": ("f", "A"), "two": ("", "A")}  # fmt: skip


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("place", PLACES)
def test_a_place_has_a_function_and_a_class_around_it(place, newline, broken):
    text = CODE.replace("z = 3", "z = (") if broken else CODE
    if place not in text:
        return
    data = text.replace("\n", newline).encode()
    at = data.index(place.split("\n")[0].encode())
    assert verify(data, "python").ok != broken
    for kind, name in zip(("function", "class"), PLACES[place], strict=True):
        span = enclosing(data, at, kind, "python")
        if broken and place == "two" and kind == "class":
            continue  # its first line is no whole one
        found = data[span.start : span.stop].decode().replace(newline, "\n")
        assert _expected(name) == (found if name else found.replace("z = (", "z = 3"))
    assert enclosing(data, at, "file", "python") == Span(0, len(data))
    assert enclosing(data, at, "class", None) == Span(0, len(data))


def _expected(name: str) -> str:
    tree = ast.parse(CODE)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and node.name == name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if name == "A":
                first = 3
            return "".join(CODE.splitlines(keepends=True)[first - 1 : node.end_lineno])
    return CODE


@given(st.text("ab \t\n\r:(\"'#@", max_size=30), st.integers(-1, 40))
def test_any_place_of_any_text_lies_in_what_is_around_it(text, at):
    data = f"def f():\n    x\n{text}".encode()
    for kind in ("function", "class"):
        span = enclosing(data, at, kind, "python")
        assert span.start <= max(at, 0)
        assert min(at, len(data)) <= span.stop <= len(data)


def test_a_line_that_is_not_written_yet_belongs_to_the_function_above():
    text = b"def f():\n    x = (1,\n    \n\n\ndef g():\n    return (\n"
    at = text.index(b"    \n") + 4
    span = enclosing(text, at, "function", "python")
    assert text[span.start : span.stop] == b"def f():\n    x = (1,\n    \n"


def test_there_are_three_kinds_of_scope():
    with pytest.raises(OptionError, match="no such scope"):
        enclosing(b"", 0, "module", "python")
