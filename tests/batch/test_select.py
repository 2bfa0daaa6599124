from __future__ import annotations

import ast
import sys

import pytest
import tree_sitter
import tree_sitter_python
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.select import missing_docstrings, selector
from infill.batch.select.definitions import PARTS, definitions
from infill.batch.select.queries import _loaded
from infill.errors import HoleError, OptionError
from infill.text import Source, Span, apply_edits

TEXT = '''\
import os
@cached  # a comment: with a colon
@other(1)
async def f(a, b: int = 1, *, c="x:#") -> dict[str, int]:  # yes: here
    """Says 𝒳."""
    # first
    x = [a, b]

    def inner(y):
        return y
    return x


class A(B, metaclass=M):
    """A class."""

    attr: int = 1

    @property
    def f(self): return "é𝒳"

    def g(
        self,
        # a comment: (
    ):
        pass

    class C:
        def f(self): ...


if x:
    def f(a): return g(a)
'''
CRLF = TEXT.replace("\n", "\r\n")
FORMS = [TEXT, CRLF, "\ufeff" + TEXT, TEXT.replace("    ", "\t"), TEXT.replace("\n", "\r")]


def texts(source: str | bytes, select: str, part=None, language="python", name="src/a.py"):
    text = Source.of(source, name)
    return [
        text.data[s.start : s.stop].decode()
        for s in selector(select, part=part).spans(text, language)
    ]


# ---- shapes


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(call) @x", "query"),
        ("[(call) (identifier)] @x", "query"),
        ("query:(call) @x", "query"),
        ("re.sub($A, $$$B)", "pattern"),
        ("x == None", "pattern"),
        ("pattern:f", "pattern"),
        ("f", "name"),
        ("A.f", "name"),
        ("src/a.py::A.*", "name"),
        ("a.py::**.<locals>.f", "name"),
        ("::f", "name"),
        ("name:f", "name"),
        ("3", "at"),
        ("3-4", "at"),
        ("3:1-4:2", "at"),
        ("at:3", "at"),
        ("a::b($X)", "pattern"),
    ],
)
def test_a_kind_is_told_by_its_shape_or_its_prefix(text, kind):
    part = "x" if kind == "query" else None
    assert kind == selector(text, part=part).kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "pattern:",
        "at: ",
        "0",
        "1:0-1:2",
        "1-1:2",
        "4-3",
        "3:1",
        "name:a..b",
        "name:a b.c.",
    ],
)
def test_what_selects_nothing_is_refused(text):
    with pytest.raises(OptionError) as caught:
        selector(text)
    assert caught.value.where == "--select"
    assert caught.value.expected


# ---- names


@pytest.mark.parametrize("text", FORMS)
def test_every_definition_is_where_python_says(text):
    source = Source.of(text)
    found = {one.name: one for one in definitions(source)}
    assert ["f", "f.inner", "A", "A.f", "A.g", "A.C", "A.C.f"] == list(found)[:7]
    for one in definitions(source):
        whole = source.data[one.whole.start : one.whole.stop].decode()
        (node,) = ast.parse(_dedented(whole)).body
        assert one.name.rpartition(".")[2] == node.name
        assert whole.startswith("@") == bool(node.decorator_list)
        header = source.data[one.header.start : one.header.stop].decode()
        ast.parse(_dedented(header) + ": pass")


def _dedented(text: str) -> str:
    """As if it stood in the first column; it begins there already, and its decorators too."""
    first, *lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headers = [line for line in lines if line.lstrip().startswith(("async", "class", "def"))]
    depth = len(headers[0]) - len(headers[0].lstrip()) if first.startswith("@") else 0
    return "\n".join([first, *(line[depth:] for line in lines)])


def test_the_parts_of_a_definition():
    assert ['async def f(a, b: int = 1, *, c="x:#") -> dict[str, int]', "def f(a)"] == texts(
        TEXT, "f", "signature"
    )
    assert ['"""Says 𝒳."""'] == texts(TEXT, "f", "docstring")
    (whole, _), (body, _) = texts(TEXT, "f"), texts(TEXT, "f", "body")
    assert ("@cached  #", "return x") == (whole[:10], whole[-8:])
    assert ("x = [a, b]\n", "return x") == (body[:11], body[-8:])
    assert ["class A(B, metaclass=M)"] == texts(TEXT, "A", "signature")
    assert ["def g(\n        self,\n        # a comment: (\n    )"] == texts(
        TEXT, "A.g", "signature"
    )
    assert ['@property\n    def f(self): return "é𝒳"'] == texts(TEXT, "A.f")
    assert ['return "é𝒳"'] == texts(TEXT, "A.f", "body")
    assert ["", ""] == texts(TEXT, "A.*", "missing-docstring")


def test_names_may_have_any_steps_and_a_file():
    assert 3 == len(texts(TEXT, "*"))
    assert 2 == len(texts(TEXT, "f"))
    assert 1 == len(texts(TEXT, "f.inner")) == len(texts(TEXT, "f.<locals>.inner"))
    assert 4 == len(texts(TEXT, "**.f", "signature"))
    assert 1 == len(texts(TEXT, "a.py::A.C.f")) == len(texts(TEXT, "./src/a.py::A.C.f"))
    assert [] == texts(TEXT, "b.py::f") == texts(TEXT, "x/src/a.py::f") == texts(TEXT, "rc/a.py::f")
    assert [] == texts(TEXT, "f", language="json") == texts(TEXT, "nothing")


def test_of_definitions_in_each_other_the_outermost_is_taken_and_the_others_counted():
    found = selector("**").select(Source.of(TEXT), "python")
    assert (3, 5) == (len(found.spans), found.nested)


def test_another_encoding_in_a_comment_moves_no_place():
    assert ["def f(): return 'é', 2"] == texts(
        "# coding: latin-1\nx = 'é'; y = 1\ndef f(): return 'é', 2\n", "f"
    )


def test_a_text_that_does_not_parse_is_told():
    with pytest.raises(HoleError, match="does not parse") as caught:
        texts("def f(:\n", "f")
    assert "src/a.py, line 1" == caught.value.where


def test_there_is_no_such_part():
    for select, part in [("f", "head"), ("3", "x"), ("f($A)", "B"), ("f($A)", "$B")]:
        with pytest.raises(OptionError) as caught:
            selector(select, part=part)
        assert "--part" == caught.value.where


# ---- lines and columns


@given(st.text(alphabet="ab𝒳é\t\n", min_size=1), st.data())
def test_a_place_by_columns_is_what_positions_say(text, data):
    source = Source.of(text.replace("\n", data.draw(st.sampled_from(["\n", "\r\n"]))))
    bounds = [at for at in range(len(source.data) + 1) if source.is_boundary(at)]
    start, stop = sorted(data.draw(st.tuples(st.sampled_from(bounds), st.sampled_from(bounds))))
    one, two = source.position(start), source.position(stop)
    place = f"{one.line}:{one.column}-{two.line}:{two.column}"
    assert (Span(start, stop),) == selector(place).spans(source, None)


def test_lines_go_without_the_last_ones_end():
    assert ["  b\r\n\tc"] == texts("a\r\n  b\r\n\tc\r\nd", "2-3")
    assert ["d"] == texts("a\nd", "at:2")
    for place in ("3", "1-9", "1:4-1:5", "2:2-2:1", "9:1-9:1"):
        with pytest.raises(HoleError):
            texts("a\nd", place)


# ---- queries and patterns

QUERIES = ["(call) @x", "(identifier) @x", "(string) @x", "(comment) @x", "(block) @x", "(_) @x"]


@pytest.mark.parametrize("text", FORMS[:4])
@pytest.mark.parametrize("asked", QUERIES)
def test_a_query_finds_the_bytes_of_the_nodes(text, asked):
    data = text.encode()
    language = tree_sitter.Language(tree_sitter_python.language())
    root = tree_sitter.Parser(language).parse(data).root_node
    nodes = tree_sitter.QueryCursor(tree_sitter.Query(language, asked)).captures(root)["x"]
    expected = {(node.start_byte, node.text.removesuffix(b"\r")) for node in nodes}
    spans = selector(asked).spans(Source(data), "python")
    assert spans
    assert {(s.start, data[s.start : s.stop]) for s in spans} <= expected
    assert all(any(s.start <= at and at + len(t) <= s.stop for s in spans) for at, t in expected)


def test_predicates_and_the_capture_that_is_meant():
    code = "f(1)\ng(2)\nfoo(3)\n"
    call = "(call function: (identifier) @f arguments: (argument_list (_) @infill)"
    assert ["1"] == texts(code, f'{call} (#eq? @f "f"))')
    assert ["1", "3"] == texts(code, f'{call} (#match? @f "^f"))')
    assert ["f", "g", "foo"] == texts(code, f"{call})", "f") == texts(code, f"{call})", "@f")
    assert ["f", "1", "g", "2", "foo", "3"] == texts(code, call.replace("@infill", "@x") + ")")


def test_other_languages_by_their_packages():
    code = "const f = (𝒳) => { return 'é' }\nfunction g() {}\n"
    assert ["'é'"] == texts(code, "(string) @x", language="javascript")
    assert ["function g() {}"] == texts(code, "function $F() {}", language="javascript")
    assert ["return 'é'"] == texts(code, "pattern:($A) => { $$$B }", "B", language="javascript")


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("(cal) @x", "line 1, column 2"),
        ("(call\n  nofield: (_) @x)", "line 2, column 3"),
        ("(call", "line 1, column 6"),
        ('((identifier) @x (#match? @x "["))', "line 1"),
        ("(call)", "--select"),
    ],
)
def test_a_bad_query_is_told_with_its_place(asked, where):
    with pytest.raises(OptionError) as caught:
        texts(TEXT, asked)
    assert caught.value.where.endswith(where)


def test_a_language_that_is_not_installed_is_named_with_its_package():
    with pytest.raises(OptionError) as caught:
        texts("x", "(x) @x", language="klingon")
    assert "tree-sitter-klingon" in caught.value.hint
    with pytest.raises(OptionError, match="know the language"):
        texts("x", "(x) @x", language=None)
    with pytest.raises(OptionError, match="cannot read"):
        texts("x", "f($A)", language="klingon")


def test_without_the_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ast_grep_py", None)
    with pytest.raises(OptionError) as caught:
        texts("x", "f($A)")
    assert "pip install ast-grep-py" == caught.value.hint
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    _loaded.cache_clear()
    with pytest.raises(OptionError) as caught:
        texts("x", "(module) @x")
    assert "tree-sitter-python" in caught.value.hint


@pytest.mark.parametrize("text", FORMS[:4])
def test_a_pattern_finds_the_bytes_of_the_nodes(text):
    end = "\r\n" if "\r\n" in text else "\n"
    assert ["g(a)"] == texts(text, "g($A)")
    assert ["a"] == texts(text, "g($A)", "$A") == texts(text, "g($$$A)", "A")
    (body,) = texts(text, "class A($$$X): $$$BODY", "BODY")
    assert ('"""A class."""', "def f(self): ...") == (body[:14], body[-16:])
    assert ['return "é𝒳"', "return g(a)", "return x", "return y"] == sorted(
        texts(text, "return $X")
    )
    assert end.join(["if x:", ""]) in text


def test_several_nodes_are_one_place_and_none_are_none():
    code = "f(1, 𝒳, 'é')\nf()\n"
    assert ["1, 𝒳, 'é'"] == texts(code, "f($$$A)", "A")


@pytest.mark.parametrize("asked", ["$A = ", "def", "g(", "else: $$$B", "pattern:((", "x y z"])
def test_a_pattern_that_is_no_code_is_told(asked):
    with pytest.raises(OptionError, match="no code of python"):
        texts(TEXT, f"pattern:{asked}" if "pattern:" not in asked else asked)


# ---- docstrings


@pytest.mark.parametrize("text", FORMS)
def test_docstrings_are_made_where_they_are_missing(text):
    source = Source.of(text)
    made = missing_docstrings(source)
    fills = [f"Says {number}: é.".encode() for number in range(len(made.holes))]
    assert all(made.data[span.start - 3 : span.start + 3] == b'"""' * 2 for span in made.holes)
    after = apply_edits(text.encode(), made.edits(fills))
    tree = ast.parse(after.decode("utf-8-sig"))
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    stubs = [node for node in found if ast.get_docstring(node) is None]
    assert ["..."] == [ast.unparse(node.body) for node in stubs]
    told = [ast.get_docstring(node, clean=False) for node in found]
    assert {fill.decode() for fill in fills} < set(told)
    before = ast.parse(text.encode().decode("utf-8-sig"))
    for node in found:
        if (ast.get_docstring(node) or "").endswith("é."):
            del node.body[0]
    assert ast.dump(before) == ast.dump(tree)
    assert after == apply_edits(made.data, ()) if not fills else after != made.data
    if "\r\n" in text:
        assert after.count(b"\n") == after.count(b"\r\n")


def test_a_docstring_that_is_not_filled_leaves_the_text_as_it_was():
    made = missing_docstrings(Source.of(TEXT), "A.*")
    assert 2 == len(made.holes)
    assert () == made.edits([None, None])
    assert 1 == len(made.edits([b"x", None]))


def test_parts_are_what_is_promised():
    assert "missing-docstring" in PARTS
