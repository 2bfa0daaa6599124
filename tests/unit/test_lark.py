"""Grammars are taken as Lark takes them, and what it refuses is refused with a remedy."""

import re
from dataclasses import replace
from pathlib import Path

import lark as lark_package
import pytest
from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import Indenter, PythonIndenter

from infill.constrain.lark import judge, load
from infill.constrain.lexing.transducer import build
from infill.constrain.syntax import Indentation, Rule
from infill.errors import GrammarError, PathError

SHIPPED = Path(lark_package.__file__).parent / "grammars"
BLOCKS = r"""
    start: (line | block)+
    line: NAME _NEWLINE
    block: NAME ":" _NEWLINE _INDENT start _DEDENT
    NAME: /[a-z]+/
    _NEWLINE: /(\n[ \t]*)+/
    %declare _INDENT _DEDENT
"""


class Braces(Indenter):
    NL_type = "_NEWLINE"
    OPEN_PAREN_types = ["OPEN"]  # noqa: RUF012 - as Lark's documentation writes it
    CLOSE_PAREN_types = ["CLOSE"]  # noqa: RUF012 - likewise
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 4


def test_larks_own_python_grammar_is_taken_as_it_stands():
    syntax = load(SHIPPED / "python.lark", start="file_input", indentation=PythonIndenter())
    assert syntax == load(str(SHIPPED / "python.lark"), start="file_input")
    assert syntax.indentation == Indentation(
        newline="_NEWLINE",
        indent="_INDENT",
        dedent="_DEDENT",
        opening=frozenset({"LPAR", "LSQB", "LBRACE"}),
        closing=frozenset({"RPAR", "RSQB", "RBRACE"}),
    )
    names = {terminal.name: terminal for terminal in syntax.terminals}
    assert names["IF"].literal
    assert names["STRING"].flags == re.IGNORECASE
    assert names["HEX_NUMBER"].priority == 2
    assert "_INDENT" not in names


def test_larks_grammar_of_grammars_reads_larks_grammars():
    lexer = build(load(SHIPPED / "lark.lark"))
    text = (SHIPPED / "common.lark").read_bytes()
    names = [lexer.terminals[symbol.terminals[0]] for symbol in lexer.lex(text)]
    assert {"TOKEN", "REGEXP", "OP", "STRING", "_NL"} <= set(names)


def test_templates_repeats_and_imports_are_larks():
    syntax = load(
        """
        start: _list{item} | "x"~2..3
        _list{what}: what ("," what)*
        item: NUMBER -> number
        %import common (NUMBER, WS)
        %ignore WS
        """
    )
    assert syntax.ignore == {"WS"}
    assert Rule("item", ("NUMBER",)) in syntax.rules
    assert Rule("start", ("X", "X")) in syntax.rules
    assert syntax.nonterminals[0] == "start"


def test_rules_and_terminals_that_nothing_uses_are_dropped():
    syntax = load('start: "a"\nlost: other\nother: lost | "b"\nUNUSED: "c"')
    assert syntax.nonterminals == ("start",)
    assert "UNUSED" not in {terminal.name for terminal in syntax.terminals}


def test_imports_are_relative_to_the_file(tmp_path):
    (tmp_path / "words.lark").write_text("WORD: /[a-z]+/\n")
    (tmp_path / "main.lark").write_text("start: WORD+\n%import .words.WORD\n")
    (terminal,) = load(tmp_path / "main.lark").terminals
    assert terminal.pattern == "[a-z]+"


def test_an_indenter_is_read_whether_class_instance_or_data():
    grammar = BLOCKS + 'OPEN: "("\nCLOSE: ")"\n'
    one, other = load(grammar, indentation=Braces), load(grammar, indentation=Braces())
    assert one == other
    assert one.indentation is not None
    assert one.indentation.tab == 4
    assert load(grammar, indentation=one.indentation) == one


def test_an_indentation_is_found_by_its_names_and_may_end_by_itself():
    found = load(BLOCKS).indentation
    assert found is not None
    assert found.opening == found.closing == frozenset()  # the grammar has no brackets
    assert load(BLOCKS, implied_end=True).indentation == replace(found, implied_end=True)


@pytest.mark.parametrize(
    ("grammar", "message", "where"),
    [
        ("start: other", "used but not defined", ""),
        ("start: (", "Unclosed parenthesis", "1:9"),
        ("start: A\nA: /a*/", "zero-width", ""),
        ("start: A\nA: /(a/", "Cannot compile", ""),
        ('start: "a"\nstart: "b"', "defined more than once", ""),
        ("start: A\n%import nowhere.A", "nowhere", ""),
        ("start: X\n%declare X", "nothing says what it is", ""),
        ("begin: A\nA: /a/", "start", ""),
        ("python.larch", "neither a grammar nor the path", ""),
        ("start: A\nA: /(?L:a)/", "", ""),
    ],
)
def test_what_lark_refuses_is_a_grammar_error_that_says_where(grammar, message, where):
    with pytest.raises(GrammarError) as caught:
        load(grammar)
    assert message in str(caught.value)
    assert where in caught.value.where


def test_a_newline_terminal_that_is_not_there_is_an_error():
    with pytest.raises(GrammarError, match="newline terminal"):
        load('start: "a" ":"\n', indentation=PythonIndenter)


def test_a_grammar_that_cannot_be_read_is_a_path_error(tmp_path):
    with pytest.raises(PathError, match="cannot be read"):
        load(tmp_path / "none.lark")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a\n", True),
        ("a", False),
        ("a:\n  b\n  c\nd\n", True),
        ("a:\n  b\n c\n", False),
        ("a:\nb\n", False),
    ],
)
def test_the_judge_says_what_lark_says(text, accepted):
    reference = Lark(BLOCKS, parser="lalr", postlex=PythonIndenterOfBlocks())
    try:
        reference.parse(text)
        expected = True
    except LarkError:
        expected = False
    assert expected == accepted
    assert accepted == (judge(BLOCKS)(text) is None)


class PythonIndenterOfBlocks(PythonIndenter):
    OPEN_PAREN_types = []  # noqa: RUF012 - likewise
    CLOSE_PAREN_types = []  # noqa: RUF012 - likewise


def test_with_an_implied_end_the_judge_needs_no_last_newline():
    accepts = judge(BLOCKS, implied_end=True)
    assert [accepts("a"), accepts("a:\n  b\n "), accepts("a\n")] == [None, None, None]
    assert accepts("a b") is not None


def test_a_grammar_that_lalr_cannot_take_is_judged_all_the_same():
    accepts = judge('start: "a" start "a" | "b" start "b" |')
    assert accepts("abba") is None
    assert accepts("abab") is not None


def test_what_lalr_refuses_for_want_of_lookahead_is_asked_of_earley():
    accepts = judge('start: x "b" | "a" "b" "c"\nx: "a" y\ny: "b" |')
    assert accepts("abb") is None
    assert accepts("ab") is None
    assert accepts("abc") is None
