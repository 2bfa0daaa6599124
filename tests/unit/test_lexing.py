"""The transducer writes what Lark's lexer finds, and the alternatives it offers are all there."""

import io
import re
from pathlib import Path

import lark as lark_package
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.common import LexerConf
from lark.exceptions import LexError
from lark.indenter import PythonIndenter
from lark.lexer import BasicLexer, LexerState, PatternRE, PatternStr, TerminalDef, TextSlice

from infill.constrain import lark
from infill.constrain.lexing.transducer import WIDEST, build, conflicting
from infill.constrain.syntax import Indentation, Rule, Syntax, Terminal
from infill.errors import GrammarError, InputError, LimitError

PYTHON = Path(io.__file__).parent
PYTHON_GRAMMAR = Path(lark_package.__file__).parent / "grammars" / "python.lark"
CALCULATOR = """
    ?start: sum
    ?sum: product | sum "+" product | sum "-" product
    ?product: atom | product "*" atom | product "/" atom | product "**" atom
    ?atom: NUMBER | "-" atom | NAME | "(" sum ")" | "let" NAME "=" sum "in" sum | "..." | "."
    %import common.CNAME -> NAME
    %import common.NUMBER
    %import common.WS
    %import common.CPP_COMMENT
    %ignore WS
    %ignore CPP_COMMENT
"""
JSON = r"""
    start: value
    ?value: object | array | STRING | NUMBER | "true" | "false" | "null"
    array: "[" [value ("," value)*] "]"
    object: "{" [pair ("," pair)*] "}"
    pair: STRING ":" value
    %import common.ESCAPED_STRING -> STRING
    %import common.SIGNED_NUMBER -> NUMBER
    %import common.WS
    %ignore WS
"""
STANDARD_LIBRARY = """
    abc ast base64 bisect calendar cmd code codecs colorsys contextlib copy csv dataclasses
    difflib dis enum fnmatch fractions functools gzip heapq keyword random shlex textwrap
"""


@st.composite
def lexicons(draw, most=5, conditions=("(?!a)", "(?!ab)", "(?<!a)", "(?=a|$)", "(?!a.)")):
    """Terminals as data, and which are ignored."""
    plain = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "é", "(?i:b)"])

    def wider(inner):
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map("".join),
            pair.map(lambda p: f"(?:{p[0]}|{p[1]})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "+?", "{1,2}"])).map(
                lambda p: f"(?:{p[0]}){p[1]}"
            ),
            st.tuples(inner, st.sampled_from(conditions or ("",))).map("".join),
        )

    pattern = st.recursive(plain, wider, max_leaves=5).filter(lambda p: not re.fullmatch(p, ""))
    literal = st.text(alphabet="abcé", min_size=1, max_size=3)
    terminals = []
    for number in range(draw(st.integers(1, most))):
        fixed = draw(st.booleans())
        terminals.append(
            Terminal(
                f"T{number}",
                re.escape(draw(literal)) if fixed else draw(pattern),
                flags=draw(st.sampled_from([0, 0, int(re.IGNORECASE)])) if fixed else 0,
                priority=draw(st.sampled_from([0, 0, 0, 1])),
                literal=fixed,
            )
        )
    names = [terminal.name for terminal in terminals]
    return tuple(terminals), frozenset(draw(st.sets(st.sampled_from(names), max_size=1)))


def in_lark(terminals, ignore):
    """Lark's own lexer of the same terminals."""
    made = []
    for t in terminals:
        flags = ("i",) if t.flags & re.IGNORECASE else ()
        text = re.sub(r"\\(.)", r"\1", t.pattern)
        pattern = PatternStr(text, flags) if t.literal else PatternRE(t.pattern, flags)
        made.append(TerminalDef(t.name, pattern, t.priority))
    return BasicLexer(LexerConf(made, re, list(ignore)))


def types(lexer, text):
    """What Lark's lexer finds, None where it fails."""
    try:
        state = LexerState(TextSlice(text, 0, len(text)))
        return [token.type for token in lexer.lex(state, None)]
    except LexError:
        return None


def written(lexer, text):
    """The names of what the transducer writes for a text, None where it refuses."""
    try:
        symbols = lexer.lex(text.encode())
    except InputError:
        return None
    return [lexer.terminals[symbol.terminals[0]] for symbol in symbols]


def all_runs(lexer, text):
    """Every run of symbols that may be written for a text."""
    ways = {((), 0)}
    for byte in text.encode():
        ways = {
            (out + lexer.outs[more], to)
            for out, state in ways
            if (move := int(lexer.table[state, byte])) >= 0
            for more, to in lexer.moves[move]
        }
    return {out + lexer.outs[end] for out, state in ways for end in lexer.ends[state]}


def readings(lexer, text):
    """Everything that may be written for a text, as tuples of (mode, names)."""
    runs = all_runs(lexer, text)
    return {
        tuple(
            s.mode if s.mode >= 0 else tuple(lexer.terminals[t] for t in s.terminals)
            for s in map(lexer.symbols.__getitem__, run)
        )
        for run in runs
    }


TEXTS = st.lists(st.text(alphabet="abcéB", max_size=8), min_size=1, max_size=8)


@given(lexicons(), TEXTS)
def test_a_text_is_read_as_lark_reads_it_or_refused(lexicon, texts):
    terminals, ignore = lexicon
    try:
        reference = in_lark(terminals, ignore)
        lexer = build(Syntax(terminals, (), "start", ignore))
    except (LexError, GrammarError):  # a zero-width terminal, or none that can match
        return
    for text in texts:
        expected, actual = types(reference, text), written(lexer, text)
        assert actual is None or expected == actual


@given(lexicons(most=3, conditions=()), TEXTS)
def test_with_lexing_all_the_longest_lexeme_is_all_that_match_it(lexicon, texts):
    terminals, ignore = lexicon
    lexer = build(Syntax(terminals, (), "start", ignore, lexing="all"))

    def reference(text):
        if not text:
            return {()}
        for length in range(len(text), 0, -1):
            lexeme = text[:length]
            names = [t.name for t in terminals if re.fullmatch(t.pattern, lexeme, t.flags)]
            if names:
                kept = tuple(name for name in names if name not in ignore)
                heads = ([(kept,)] if kept else []) + ([()] if len(kept) < len(names) else [])
                return {head + rest for head in heads for rest in reference(text[length:])}
        return set()

    for text in texts:
        assert readings(lexer, text) <= reference(text)
        if not any("*" in t.pattern or "+" in t.pattern for t in terminals):
            assert reference(text) == readings(lexer, text)  # every way back is short


@given(lexicons(most=3, conditions=()), lexicons(most=3, conditions=()), TEXTS)
def test_with_modes_every_lexeme_may_be_read_in_each(one, other, texts):
    modes, terminals = [], []
    for number, (part, _) in enumerate((one, other)):
        named = [
            Terminal(f"M{number}{t.name}", t.pattern, t.flags, t.priority, t.literal) for t in part
        ]
        terminals += named
        modes.append(frozenset(t.name for t in named))
    lexers = [in_lark([t for t in terminals if t.name in mode], ()) for mode in modes]
    lexer = build(Syntax(tuple(terminals), (), "start"), tuple(modes))

    def reference(text, at=0):
        if at == len(text):
            return {()}
        found = set()
        for mode, lexer in enumerate(lexers):
            state = LexerState(TextSlice(text, 0, len(text)))
            state.line_ctr.char_pos = at
            try:
                token = lexer.next_token(state)
            except LexError:
                continue
            rest = reference(text, token.end_pos)
            found |= {(mode, (str(token.type),), *more) for more in rest}
        return found

    for text in texts:
        assert readings(lexer, text[:5]) <= reference(text[:5])


def test_a_mode_that_the_rules_rule_out_is_not_offered():
    terminals = (
        Terminal("TEXT", "[^{} ][^{}]*"),
        Terminal("OPEN", r"\{", literal=True),
        Terminal("NAME", "[a-z]+"),
        Terminal("CLOSE", r"\}", literal=True),
        Terminal("WS", " +"),
    )
    rules = (
        Rule("start", ()),
        Rule("start", ("start", "TEXT")),
        Rule("start", ("start", "OPEN", "NAME", "CLOSE")),
    )
    modes = (frozenset({"TEXT", "OPEN"}), frozenset({"NAME", "CLOSE"}))
    lexer = build(Syntax(terminals, rules, "start", frozenset({"WS"})), modes)
    found = readings(lexer, "a b{ c }d")
    names = {tuple(s for s in way if isinstance(s, tuple)) for way in found}
    assert (("TEXT",), ("OPEN",), ("NAME",), ("CLOSE",), ("TEXT",)) in names
    assert (0, ("TEXT",), 0, ("OPEN",), 1, 1, ("NAME",), 1, 1, ("CLOSE",), 0, ("TEXT",)) in found
    assert {way[2] for way in readings(lexer, "a{")} == {0}  # only a mode with OPEN


@given(lexicons(), st.binary(max_size=6))
def test_only_well_formed_utf8_is_read(lexicon, data):
    terminals, ignore = lexicon
    lexer = build(Syntax(terminals, (), "start", ignore))
    try:
        lexer.lex(data)
    except InputError:
        return
    assert data == data.decode().encode()


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (CALCULATOR, "let x = 1.5e+3*(2**y)-1.in .../.....// end"),
        (CALCULATOR, "letter/let 1.e5 1.else 1e+"),
        (JSON, '{"a\\"b": [1, -2.5e-3, true, null], "é€😀": {}}'),
        (JSON, '{"a": tru}'),
    ],
)
def test_small_languages_are_read_as_lark_reads_them(grammar, text):
    lexer = build(lark.load(grammar))
    reference = Lark(grammar, parser="lalr", lexer="basic")
    for stop in range(len(text) + 1):
        part = text[:stop]
        try:
            expected = [token.type for token in reference.lex(part)]
        except LexError:
            expected = None
        assert expected == written(lexer, part)


@pytest.fixture(scope="module")
def python():
    """The transducer of Lark's own Python grammar, and Lark's lexer of it."""
    options = {"parser": "lalr", "start": "file_input", "postlex": PythonIndenter()}
    reference = Lark.open_from_package("lark", "python.lark", ("grammars",), **options)
    return build(lark.load(PYTHON_GRAMMAR, start="file_input")), BasicLexer(reference.lexer_conf)


@pytest.mark.parametrize("module", STANDARD_LIBRARY.split())
def test_the_standard_library_is_read_as_lark_reads_it(python, module):
    lexer, reference = python
    text = (PYTHON / f"{module}.py").read_text(encoding="utf-8")
    tokens = list(reference.lex(LexerState(TextSlice(text, 0, len(text))), None))
    symbols = lexer.lex(text.encode())
    assert [token.type for token in tokens] == [
        lexer.terminals[symbol.terminals[0]] for symbol in symbols
    ]
    columns = [
        min(WIDEST, sum({" ": 1, "\t": 8}.get(c, 0) for c in token.rsplit("\n", 1)[1]))
        if token.type == "_NEWLINE"
        else -1
        for token in tokens
    ]
    assert columns == [symbol.column for symbol in symbols]


def after(lexer, state, piece):
    out = ()
    for byte in piece:
        (more, state), *others = lexer.moves[lexer.table[state, byte]]
        assert not others
        out += lexer.outs[more]
    return out, state


@given(st.data())
def test_pieces_of_a_text_write_what_the_whole_text_writes(python, data):
    lexer, _ = python
    text = b"if x[ 1.5 ] :\n\tname = 0x1F # \xc3\xa9\n  '''a\n''' ... ..\n"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    whole, end = after(lexer, 0, text)
    out, state = (), 0
    for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True):
        more, state = after(lexer, state, text[start:stop])
        out += more
    assert (whole, end) == (out, state)


def test_white_space_is_the_start_state_and_what_cannot_go_on_is_written_at_once():
    lexer = build(lark.load(JSON))
    out, state = after(lexer, 0, b" \n {")
    assert (["LBRACE"], 0) == (
        [lexer.terminals[lexer.symbols[symbol].terminals[0]] for symbol in out],
        state,
    )


def test_no_two_states_behave_alike():
    lexer = build(lark.load(CALCULATOR))
    rows = {(tuple(row), end) for row, end in zip(lexer.table.tolist(), lexer.ends, strict=True)}
    assert len(rows) == len(lexer.table)
    assert lexer.table.dtype == np.int32


COLUMNS = Indentation("NL", "IN", "OUT", frozenset(), frozenset())
LINES = (
    Terminal("NL", r"(\r?\n[ \t]*|#[^\n]*)+"),
    Terminal("NAME", "[a-z]+"),
    Terminal("WS", " +"),
)


def lines(*, implied_end):
    columns = Indentation("NL", "IN", "OUT", frozenset(), frozenset(), implied_end=implied_end)
    rules = (Rule("start", ("NAME", "NL", "start")), Rule("start", ("NAME", "NL")))
    return Syntax(LINES, rules, "start", frozenset({"WS"}), columns)


def columned(lexer, text):
    """Each reading as names, those of newlines with their column."""
    runs = all_runs(lexer, text)
    names = [
        f"{lexer.terminals[s.terminals[0]]}{s.column if s.column >= 0 else ''}"
        for s in lexer.symbols
    ]
    return {" ".join(names[symbol] for symbol in run) for run in runs}


@pytest.mark.parametrize(
    ("text", "as_lark", "implied"),
    [
        ("a", {"NAME"}, {"NAME", "NAME NL0"}),
        ("a\n", {"NAME NL0"}, {"NAME NL0"}),
        ("a\n  ", {"NAME NL2"}, {"NAME NL0"}),
        ("a\n \tb", {"NAME NL9 NAME"}, {"NAME NL9 NAME", "NAME NL9 NAME NL0"}),
        ("a # b\n  c", {"NAME NL2 NAME"}, {"NAME NL2 NAME", "NAME NL2 NAME NL0"}),
        ("a\n  # b c\n c", {"NAME NL1 NAME"}, {"NAME NL1 NAME", "NAME NL1 NAME NL0"}),
        ("a # b", set(), {"NAME NL0"}),
        ("a\n" + 200 * " " + "b", {"NAME NL120 NAME"}, {"NAME NL120 NAME", "NAME NL120 NAME NL0"}),
        ("a\r\n\r\n   b", {"NAME NL3 NAME"}, {"NAME NL3 NAME", "NAME NL3 NAME NL0"}),
    ],
)
def test_columns_are_counted_as_larks_indenter_counts_them(text, as_lark, implied):
    assert as_lark == columned(build(lines(implied_end=False)), text)
    assert implied == columned(build(lines(implied_end=True)), text)


def test_a_terminal_that_can_be_empty_is_refused_with_lexing_first():
    with pytest.raises(GrammarError, match="empty text"):
        build(Syntax((Terminal("A", "a*"),), (), "start"))


def test_a_lookahead_that_reaches_too_far_is_refused():
    with pytest.raises(GrammarError, match="reaches too far"):
        build(Syntax((Terminal("A", "a(?![^b]*b)"),), (), "start"))


def test_a_terminal_that_looks_before_itself_is_refused():
    with pytest.raises(GrammarError, match="before it"):
        build(Syntax((Terminal("A", r"(?<!b)a"), Terminal("B", "b")), (), "start"))


def test_the_limit_is_named():
    with pytest.raises(LimitError, match="limit: states"):
        build(Syntax((Terminal("A", "[ab]*a[ab]{10}"),), (), "start", lexing="all"), limit=300)


def test_a_block_comment_may_be_read_but_not_left_open():
    terminals = (
        Terminal("COMMENT", r"/\*(.|\n)*?\*/"),
        Terminal("SLASH", "/", literal=True),
        Terminal("STAR", r"\*", literal=True),
        Terminal("NAME", "[a-z]+"),
    )
    lexer = build(Syntax(terminals, (), "start"))
    assert written(lexer, "a/b/*c*/*d") == ["NAME", "SLASH", "NAME", "COMMENT", "STAR", "NAME"]
    assert written(lexer, "a/*b") is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Terminal("A", r"\.", literal=True), Terminal("B", r"\.\.\.", literal=True), True),
        (Terminal("A", "if", literal=True), Terminal("B", "[a-z]+"), False),
        (Terminal("A", "if1", literal=True), Terminal("B", "[a-z]+"), True),
        (Terminal("A", "[0-9]+"), Terminal("B", "[a-z]+"), False),
        (Terminal("A", "[0-9]+"), Terminal("B", r"[0-9]+\.[0-9]+"), True),
        (Terminal("A", "x[0-9]"), Terminal("B", "y[0-9]"), False),
    ],
)
def test_terminals_conflict_where_a_text_of_one_begins_one_of_the_other(one, other, expected):
    assert expected == conflicting(one, other) == conflicting(other, one)


@settings(max_examples=20)
@given(lexicons())
def test_the_same_terminals_make_the_same_tables(lexicon):
    syntax = Syntax(*lexicon[:1], (), "start", lexicon[1])
    one, other = build(syntax), build(syntax)
    assert np.array_equal(one.table, other.table)
    assert (one.outs, one.moves, one.ends) == (other.outs, other.moves, other.ends)
