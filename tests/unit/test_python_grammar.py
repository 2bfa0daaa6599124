"""The Python grammar against `ast.parse`: what it accepts parses, and real code is accepted.

The recogniser here is a second one, with a lexer that counts quotes and brackets as CPython's
does, so that the grammar is tested without the engine that it is for.
"""

import ast
import re
import sysconfig
import warnings
from collections import Counter, defaultdict
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random

import infill_grammars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark.lexer import PatternStr
from lark.load_grammar import load_grammar

OPENING, CLOSING = {"LPAR", "LSQB", "LBRACE"}, {"RPAR", "RSQB", "RBRACE"}
NOT_IN_FIELDS = {"STRING", "BYTES", "_NEWLINE", "CONTINUATION"} | OPENING | CLOSING


class Grammar:
    """Rules and terminals as Lark compiles them, and an LR(0) parser with every conflict kept."""

    def __init__(self, text):
        terminals, rules, ignore = load_grammar(text, "", [], global_keep_all_tokens=False)[
            0
        ].compile(["start"], "*")
        self.rules = [(str(r.origin.name), tuple(str(s.name) for s in r.expansion)) for r in rules]
        self.ignore = set(ignore)
        used = {s for _, expansion in self.rules for s in expansion} | self.ignore
        self.terminals = {t.name: t for t in terminals if t.name in used}
        self.patterns = {n: re.compile(t.pattern.to_regexp()) for n, t in self.terminals.items()}
        self.of = defaultdict(list)
        for number, (origin, _) in enumerate(self.rules):
            self.of[origin].append(number)
        self._automaton()

    def _automaton(self):
        first = frozenset((i, 0) for i in self.of["start"])
        numbers, self.shifts, self.complete = {first: 0}, [], []
        for kernel in (queue := [first]):
            moves, work, seen = defaultdict(set), list(kernel), set()
            while work:
                rule, dot = work.pop()
                symbol = self.rules[rule][1][dot : dot + 1]
                if symbol:
                    moves[symbol[0]].add((rule, dot + 1))
                if symbol and symbol[0] in self.of and symbol[0] not in seen:
                    seen.add(symbol[0])
                    work += [(child, 0) for child in self.of[symbol[0]]]
            row = {}
            for name, items in moves.items():
                target = frozenset(items)
                if target not in numbers:
                    numbers[target] = len(queue)
                    queue.append(target)
                row[name] = numbers[target]
            self.shifts.append(row)
            ends = [(self.rules[r][0], d) for r, d in kernel if d == len(self.rules[r][1])]
            self.complete.append([(origin, size) for origin, size in ends if size])

    def parses(self, names):
        """Whether a run of terminals belongs to the language; nodes are (state, nodes below)."""
        level = {0: (0, [])}
        for name in names:
            self._reduce(level)
            after = {}
            for node in level.values():
                if name in self.shifts[node[0]]:
                    target = self.shifts[node[0]][name]
                    after.setdefault(target, (target, []))[1].append(node)
            level = after
        self._reduce(level)
        return not names or any(o == "start" for s in level for o, _ in self.complete[s])

    def _reduce(self, level):
        work = list(level.values())
        while work:
            node = work.pop()
            for origin, size in self.complete[node[0]]:
                bases = [node]
                for _ in range(size):
                    bases = list({id(below): below for b in bases for below in b[1]}.values())
                for base in bases:
                    target = self.shifts[base[0]].get(origin)
                    if target is None or any(base is b for b in level.get(target, (0, []))[1]):
                        continue
                    known = level.setdefault(target, (target, []))
                    known[1].append(base)
                    # a new edge may complete what was reduced before
                    work += [known, *(n for n in level.values() if self.complete[n[0]])]

    @cache  # noqa: B019 - one grammar lives as long as the tests
    def scanner(self, mode):
        """One alternation in Lark's order, and the keywords, of the terminals of a mode."""
        names = [n for n in self.terminals if self._belongs(n, mode)]
        values = {n: self.terminals[n].pattern.value for n in names}
        fixed = [n for n in names if isinstance(self.terminals[n].pattern, PatternStr)]
        keywords = {values[n]: n for n in fixed if self.patterns["NAME"].fullmatch(values[n])}
        order = [n for n in names if keywords.get(values[n]) != n]
        widths = {n: self.terminals[n].pattern.max_width for n in names}
        order.sort(key=lambda n: (-self.terminals[n].priority, -widths[n], -len(values[n]), n))
        parts = (f"(?P<{n}>{self.terminals[n].pattern.to_regexp()})" for n in order)
        return re.compile("|".join(parts)), keywords

    def _belongs(self, name, mode):
        inner = name.startswith(("FIELD_", "CONVERSION_", "FSTRING_END", "FSTRING_BRACES"))
        if mode == "outside":
            return not inner and "MIDDLE" not in name
        if mode == "spec":
            return name in {"FIELD_MIDDLE", "FIELD_OPEN", "FIELD_RBRACE"}
        if not mode.startswith("field"):
            end = "FSTRING_END_" + mode.removeprefix("FSTRING_MIDDLE_").replace("RAW_", "")
            ends = {end} if mode != "FIELD_MIDDLE" else {"FSTRING_END_SQ", "FSTRING_END_DQ"}
            return name in {mode, "FSTRING_BRACES", "FIELD_OPEN"} | ends
        if name.startswith(("FIELD_STRING", "FIELD_START")):
            return mode != "field FIELD_MIDDLE" and ("LONG" in mode or name[-2:] != mode[-2:])
        if name.startswith("FSTRING") or "MIDDLE" in name or name == "FIELD_OPEN":
            return False
        value = self.terminals[name].pattern.value
        compound = value in {"->", ":=", ";"} or (value[-1:] == "=" and value[0] in "+-*/%@&|^<>")
        return name not in NOT_IN_FIELDS and (not compound or value in {"<=", ">="})


class Lexer:
    """Terminals of a text: modes on a stack, and columns as an indenter has them."""

    def __init__(self, grammar, text):
        self.grammar, self.text = grammar, text
        self.names, self.columns, self.modes, self.depth = [], [0], ["outside"], 0
        self.nested = []  # brackets open in each field

    def run(self):
        """The names of the terminals, None where the text has none."""
        at, text = 0, self.text
        if text[:1] in set(" \t\f\\"):  # the first line has column 0
            return None
        while at < len(text):
            scanner, keywords = self.grammar.scanner(self.modes[-1])
            match = scanner.match(text, at)
            if match is None:
                return None
            at, name = match.end(), match.lastgroup
            name = keywords.get(match.group(), name) if name == "NAME" else name
            if not self._take(name, match.group(), last=at == len(text)):
                return None
        if self.names and self.names[-1] not in {"_NEWLINE", "_DEDENT"}:
            self._line(0)
        return self.names if len(self.modes) == 1 and self.depth == 0 else None

    def _take(self, name, lexeme, *, last):
        if name in self.grammar.ignore or (name == "_NEWLINE" and self.depth):
            return True
        if name == "_NEWLINE":
            return self._line(0 if last else lexeme[lexeme.rfind("\n") :].count(" "))
        self.names.append(name)
        self.depth += (name in OPENING) - (name in CLOSING)
        if name.startswith(("FSTRING_START_", "FIELD_START_")):
            outer = name.startswith("FSTRING")
            self.modes.append(name.replace("START", "MIDDLE") if outer else "FIELD_MIDDLE")
        elif name.startswith("FSTRING_END_"):
            self.modes.pop()
        elif name == "FIELD_OPEN":
            kind = next(m for m in reversed(self.modes) if "MIDDLE" in m)
            self.modes.append("field " + kind.removeprefix("field "))
            self.nested.append(0)
        elif self.modes[-1].startswith("field"):
            self._in_field(name, lexeme)
        elif name == "FIELD_RBRACE":
            self.modes.pop()
        return self.depth >= 0

    def _in_field(self, name, lexeme):
        if name in {"FIELD_LPAR", "FIELD_LSQB", "FIELD_RPAR", "FIELD_RSQB"}:
            self.nested[-1] += 1 if name[6] == "L" else -1
        elif name in {"FIELD_RBRACE", "CONVERSION_END"}:
            self.nested.pop()
            self.modes.pop()
        elif name == "CONVERSION_SPEC" or (lexeme == ":" and not self.nested[-1]):
            self.nested.pop()
            self.modes[-1] = "spec"

    def _line(self, column):
        self.names.append("_NEWLINE")
        if column > self.columns[-1]:
            self.columns.append(column)
            self.names.append("_INDENT")
        while column < self.columns[-1]:
            self.columns.pop()
            self.names.append("_DEDENT")
        return column == self.columns[-1]


@cache
def grammar():
    return Grammar(infill_grammars.text("python"))


def accepted(text):
    names = Lexer(grammar(), text).run()
    return names is not None and grammar().parses(names)


def complaint(text):
    """What `ast.parse` says against a text; warnings (of odd escapes) are no complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError) as error:
            return str(error)
    return None


POOLS = {
    "NAME": ["a", "f", "rb", "été", "x_1", "Ω", "漢字", "__init__", "type", "print"],
    "NUMBER": ["0", "12", "1_000", "0xFF", "0b1_0", "0o17", "1.", ".5", "1.5e-3", "09.5", "0_0"],
    "IMAGINARY": ["1j", "0.5J", "09e1j"],
    "STRING": ["'a'", '""', 'u"\\x41"', "r'\\d'", '"""a\n"b" \\""""', "'''{'''", "'\\\n'", "'é'"],
    "BYTES": ["b'a'", 'B"\\xff"', "rb'\\x'", 'bR"""\n"""', "b''"],
    "FSTRING_EMPTY": ["f''", 'RF""'],
    "FSTRING_BRACES": ["{{", "}}"],
    "CONVERSION_END": ["!r}", "!a}"],
    "CONVERSION_SPEC": ["!s:"],
    "FIELD_MIDDLE": [">10", ".2f", "%Y-%m", " a"],
    "FIELD_STRING_SQ": ["'a'", "r''", "u'#}'"],
    "FIELD_STRING_DQ": ['"a"', '""', 'R"{!"'],
    "_NEWLINE": ["\n", " # c\n", "\r\n\n", "\n \t# c\n\f\n"],
}
TEXTS = {None: ["a", "#! ", "\\n", "\\x41", ":="], "RAW_": ["a", "\\d", "\\{{", " # "]}


def examples(name):
    """Lexemes of a terminal."""
    pattern = grammar().terminals[name].pattern
    if name in POOLS:
        return POOLS[name]
    if isinstance(pattern, PatternStr):
        return [pattern.value]
    if parts := re.fullmatch(r"F\w+_(START|MIDDLE|END)_(RAW_)?(LONG_)?([DS])Q", name):
        quote = ('"' if parts[4] == "D" else "'") * (3 if parts[3] else 1)
        starts = ["rf" + quote, "FR" + quote] if parts[2] else ["f" + quote, "F" + quote]
        middles = TEXTS[parts[2]] + ["\n", quote[0]] * (quote[1:] != "")
        return {"START": starts, "MIDDLE": middles, "END": [quote]}[parts[1]]
    return [next(c for c in "()[]{}" if grammar().patterns[name].match(c + "a"))]


class Writer:
    """Random derivations; rules that were used less are likelier."""

    def __init__(self, random):
        self.random, self.used = random, Counter()
        rules, height = grammar().rules, {}
        for _ in range(100):  # no derivation needs to be higher
            self.tall = [
                max((height.get(s, 99) for s in e if s in grammar().of), default=0)
                for _, e in rules
            ]
            for (origin, _), tall in zip(rules, self.tall, strict=True):
                height[origin] = min(height.get(origin, 99), 1 + tall)

    def terminals(self, root, depth, size):
        """The terminals of a text that `root` derives."""
        rules, found, work = grammar().rules, [], [(root, depth)]
        while work:
            symbol, left = work.pop()
            if symbol not in grammar().of:
                found.append(symbol)
                continue
            choices = grammar().of[symbol]
            bound = left - 1 if len(found) + len(work) < size else 0
            bound = max(bound, min(self.tall[i] for i in choices))
            fits = [i for i in choices if self.tall[i] <= bound]
            rule = self.random.choices(fits, [(1 + self.used[i]) ** -0.5 for i in fits])[0]
            self.used[rule] += 1
            work += [(s, left - 1) for s in reversed(rules[rule][1])]
        return found

    def text(self, names, spaces=(" ", " ", " ", "", "\t"), *, few=False):
        """The terminals written out, with white space that does not matter but in f-strings."""
        written, columns, before = [], [0], "_NEWLINE"
        for name in names:
            if name in {"_INDENT", "_DEDENT"}:
                columns = [*columns, columns[-1] + 2] if name == "_INDENT" else columns[:-1]
                continue
            if before == "_NEWLINE":
                written.append(" " * columns[-1])
            elif not re.search("MIDDLE|BRACES|_START_", before) and not re.search(
                "MIDDLE|BRACES|_END_|FIELD_OPEN", name
            ):
                written.append(self.random.choice(spaces))
            written.append(self.random.choice(examples(name)[: 1 if few else None]))
            before = name
        return "".join(written)


@given(st.integers(0, 2**32), st.sampled_from(["start", "line", "piece", "match", "function"]))
def test_whatever_the_grammar_derives_and_reads_again_parses(seed, root):
    writer = Writer(Random(seed))  # noqa: S311 - not a secret
    for depth in (30, 60, 90):
        names = writer.terminals(root, depth, 40)
        text = writer.text(names if root != "piece" else [*names, "_NEWLINE"])
        if accepted(text):  # written without spaces it may read as something else
            assert complaint(text) is None, text


def test_every_rule_stands_in_a_text_that_parses():
    rules, writer, above = grammar().rules, Writer(Random(0)), {"start": None}  # noqa: S311
    for parent in (queue := ["start"]):
        for rule in grammar().of[parent]:
            for at, symbol in enumerate(rules[rule][1]):
                if symbol in grammar().of and symbol not in above:
                    above[symbol] = rule, at
                    queue.append(symbol)
    low = {symbol: writer.terminals(symbol, 0, 0) for symbol in [*above, *grammar().terminals]}
    low |= {"_INDENT": ["_INDENT"], "_DEDENT": ["_DEDENT"]}
    for origin, expansion in rules:
        names = [t for s in expansion for t in low[s]]
        while above[origin]:
            rule, at = above[origin]
            origin, beside = rules[rule][0], rules[rule][1]  # noqa: PLW2901
            parts = [*(low[s] for s in beside[:at]), names, *(low[s] for s in beside[at + 1 :])]
            names = list(chain.from_iterable(parts))
        text = writer.text(names, spaces=[" "], few=True)
        assert accepted(text), (origin, expansion, text)
        assert complaint(text) is None, (origin, expansion, text)


FRAGMENTS = [*' \n(){]:,=*._10#"', "", "    ", "\\\n", ":=", "**", "f'", "'''", "not ", "in "]
FRAGMENTS += ["if ", "else ", "for ", "lambda: "]


@given(st.data())
def test_real_code_that_was_damaged_is_accepted_only_if_it_parses(data):
    text = data.draw(st.sampled_from(statements()))
    for _ in range(12):
        at, gone = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 3))
        changed = text[:at] + data.draw(st.sampled_from(FRAGMENTS)) + text[at + gone :]
        if accepted(changed):
            assert complaint(changed) is None, changed


@cache
def library():
    """Source files of the standard library, the small ones, without tests of Python itself."""
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted(f for f in root.rglob("*.py") if f.stat().st_size < 6_000)
    skipped = {"site-packages", "test", "tests", "lib2to3"}
    return [f for f in files if not skipped & set(f.relative_to(root).parts)]


@cache
def statements():
    """Statements of the standard library that stand at column 0, of a few lines."""
    found = []
    for file in library()[::7]:
        source = file.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            segment = ast.get_source_segment(source, node) or ""
            if 0 < len(segment) < 400:
                found.append(segment)
    return found


def test_the_standard_library_is_accepted():
    files = library()
    texts = {file: file.read_text(encoding="utf-8") for file in files[::2]}
    assert len(texts) > 100
    assert [] == [f.name for f, text in texts.items() if not complaint(text) and not accepted(text)]


def snippets(mark):
    """The lines of a kind: `+` is Python, `-` is not; ⏎, ␍ and ␌ are control characters."""
    lines = (Path(__file__).parent / "python_snippets.txt").read_text(encoding="utf-8").splitlines()
    signs = str.maketrans({"⏎": "\n", "␍": "\r", "␌": "\f"})
    return [line[2:].translate(signs) for line in lines if line[0] == mark]


@pytest.mark.parametrize("text", snippets("+"))
def test_what_python_reads_is_accepted(text):
    assert complaint(text) is None
    assert accepted(text)


@pytest.mark.parametrize("text", snippets("-"))
def test_what_python_refuses_is_refused(text):
    assert complaint(text) is not None
    assert not accepted(text)
