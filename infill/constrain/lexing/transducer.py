"""From bytes to terminals: one deterministic transducer for all terminals of a grammar.

A lexeme is written as soon as no byte can extend it, else on the byte that does not. Where the
automaton dies after its last acceptance (`..` where only `.` and `...` are lexemes), the bytes
since are read again, as a lexer does that goes back to its last match. What they are read as is
followed from the first of them, unless that ends wherever the lexeme does. The way back is
forgotten after eight characters (fewer, where that would take too many states), and in a lexeme
that only the text's end can cut short, such as a block comment: a text that needs it is then
refused, never misread.

Knows nothing of rules or stacks.

>>> from infill.constrain.syntax import Syntax, Terminal
>>> name = Terminal("NAME", "[a-z]+")
>>> key, dot, dots = (Terminal(n, t, literal=True) for n, t in
...     [("IF", "if"), ("DOT", r"\\."), ("DOTS", r"\\.\\.\\.")])
>>> lexer = build(Syntax((name, key, dot, dots), (), start=""))
>>> [lexer.terminals[s.terminals[0]] for s in lexer.lex(b"if.iff..a...")]
['IF', 'DOT', 'NAME', 'DOT', 'DOT', 'NAME', 'DOTS']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infill.constrain.lexing.codepoints import Classes, Utf8
from infill.constrain.lexing.composing import WIDEST, Composer, Symbol
from infill.constrain.lexing.patterns import Nfa, parse, width
from infill.constrain.lexing.scanner import LIMIT, REACH, Keyword, Scanner
from infill.constrain.syntax import Syntax, Terminal
from infill.errors import GrammarError, InputError, LimitError

__all__ = ["WIDEST", "Lexer", "Symbol", "build", "conflicting"]

Move = tuple[tuple[int, int], ...]
"""Alternatives: what is written (an index into the outs), and the next state."""

_BACK = (REACH, 4, 2, 1, 0)
"""Characters that may be read again; the next smaller where the states are too many."""
_SPARE = 2_000
"""Composed states that a way back may cost, besides four for each state inside a lexeme."""


@dataclass(frozen=True, eq=False)
class Lexer:
    """The transducer; state 0 is the start, and every state can be begun in.

    terminals   names; `Symbol.terminals` are indices into it
    symbols     what can be written
    outs        runs of symbols, `outs[0]` the empty one
    moves       alternatives (out, next state); one unless there are modes, or a lexeme that
                may as well be ignored
    table       int32 [Q, 256] indices into `moves`, -1 where no text goes on
    ends        per state the outs that may be written if the text ends there, () where it may not
    """

    terminals: tuple[str, ...]
    symbols: tuple[Symbol, ...]
    outs: tuple[tuple[int, ...], ...]
    moves: tuple[Move, ...]
    table: NDArray[np.int32]
    ends: tuple[tuple[int, ...], ...]

    def lex(self, data: bytes) -> tuple[Symbol, ...]:
        """The symbols of a whole text; where there are alternatives, the first.

        Raises InputError where the bytes go on in no lexeme.
        """
        state, written = 0, list[int]()
        for at, byte in enumerate(data):
            move = int(self.table[state, byte])
            if move < 0:
                raise InputError("no lexeme goes on like this", where=f"byte {at}")
            out, state = self.moves[move][0]
            written.extend(self.outs[out])
        if not self.ends[state]:
            raise InputError("the text ends inside a lexeme", where=f"byte {len(data)}")
        written.extend(self.outs[self.ends[state][0]])
        return tuple(self.symbols[symbol] for symbol in written)


def build(syntax: Syntax, modes: tuple[frozenset[str], ...] = (), *, limit: int = LIMIT) -> Lexer:
    """The lexer of a grammar's terminals.

    modes   sets of terminals that are read apart; ignored terminals belong to each. With fewer
            than two there is one, of all terminals. A mode is not offered after a lexeme that
            by the rules nothing in it can follow; an ignored lexeme is followed by its own mode
    limit   states

    Raises GrammarError for terminals that can be empty or that no automaton can follow,
    LimitError for too many states.
    """
    if syntax.lexing == "first":
        _check_widths(syntax)
    names = frozenset(terminal.name for terminal in syntax.terminals)
    sets = [mode | syntax.ignore for mode in modes] if len(modes) > 1 else [names]
    patterns = _Patterns(syntax, limit)
    scanners = [patterns.scanner(mode) for mode in sets]
    known = sum(len(scanner.reach) for scanner in scanners)  # builds every state
    for back in (0,) if patterns.alone else _BACK:
        most = min(limit, _SPARE + 4 * known) if back else limit
        composer = Composer(syntax, scanners, sets, back=back, limit=most)
        if composer.run():
            return _finished(syntax, composer, patterns.classes)
    raise LimitError(
        "the lexer needs too many states", expected=f"at most {limit} states (limit: states)"
    )


def _check_widths(syntax: Syntax) -> None:
    """Lark's rule; with lexing "all" an empty match is no lexeme, and the rules say the rest."""
    for terminal in syntax.terminals:
        if not width(terminal.pattern, terminal.flags, name=terminal.name)[0]:
            raise GrammarError(
                "a terminal matches the empty text",
                where=terminal.name,
                got=terminal.pattern,
                hint="make it match at least one character, and optional in the rules",
            )


class _Patterns:
    """The terminals as one automaton, which the modes share.

    alone   every text is one lexeme (a regular expression): nothing stands before or after it
    """

    def __init__(self, syntax: Syntax, limit: int) -> None:
        self.syntax, self.limit, self.nfa = syntax, limit, Nfa()
        self.entries = [
            self.nfa.add_pattern(terminal.pattern, terminal.flags, tag=tag, name=terminal.name)
            for tag, terminal in enumerate(syntax.terminals)
        ]
        counted = [((ord(c), ord(c)),) for c in " \t\n"] if syntax.indentation else []
        self.classes = Classes([*self.nfa.sets, *counted])
        short = all(len(rule.expansion) < 2 for rule in syntax.rules)  # noqa: PLR2004
        self.alone = bool(syntax.rules) and short and not syntax.ignore

    def scanner(self, mode: frozenset[str]) -> Scanner:
        """What reads a lexeme of a mode."""
        terminals = self.syntax.terminals
        tags = [tag for tag, terminal in enumerate(terminals) if terminal.name in mode]
        keywords: dict[int, list[Keyword]] = {}
        ordered = self.syntax.lexing == "first"
        if ordered:
            tags.sort(key=lambda tag: _order(terminals[tag]))
            tags, owners = _keywords(self.syntax, tags)
            keywords = {
                tag: [Keyword(self.entries[k], k, k + len(terminals)) for k in inner]
                for tag, inner in owners.items()
            }
        return Scanner(
            self.nfa,
            [self.entries[tag] for tag in tags],
            ordered=ordered,
            keywords=keywords,
            classes=self.classes,
            inside=not self.alone,
            whole=self.alone,
            limit=self.limit,
        )


def _order(terminal: Terminal) -> tuple[int, int, int, str]:
    """Lark's: priority, greatest width, length of what was written, name."""
    text = _text(terminal) if terminal.literal else terminal.pattern
    most = width(terminal.pattern, terminal.flags)[1]
    return -terminal.priority, -most, -len(text), terminal.name


def _text(literal: Terminal) -> str:
    return "".join(chr(point) for _, point in parse(literal.pattern))


def _keywords(syntax: Syntax, tags: list[int]) -> tuple[list[int], dict[int, list[int]]]:
    """Tags without the literals that a pattern of their priority matches; those, by pattern.

    As in Lark: a literal whose flags the pattern lacks stays among the others as well.
    """
    owners: dict[int, list[int]] = {}
    embedded = set[int]()
    literals = [tag for tag in tags if syntax.terminals[tag].literal]
    for tag in tags:
        pattern = syntax.terminals[tag]
        if pattern.literal or not literals:
            continue
        nfa = Nfa()
        entry = nfa.add_pattern(pattern.pattern, pattern.flags, name=pattern.name)
        scanner = Scanner(nfa, [entry], ordered=True)
        for other in literals:
            literal = syntax.terminals[other]
            if literal.priority != pattern.priority or not scanner.fullmatch(_text(literal)):
                continue
            if pattern.name not in syntax.ignore:
                owners.setdefault(tag, []).append(other)
            if literal.flags & ~pattern.flags == 0:
                embedded.add(other)
    return [tag for tag in tags if tag not in embedded], owners


def _finished(syntax: Syntax, composer: Composer, classes: Classes) -> Lexer:
    """The composed states, those that behave alike made one, and characters made bytes."""
    table, moves, ends = composer.rows, composer.moves, composer.ends
    block = _blocks(np.array(table, dtype=np.int32), moves, ends)
    first = dict[int, int]()
    for state, number in enumerate(block):
        first.setdefault(number, state)
    numbers: dict[Move, int] = {}
    merged = [
        numbers.setdefault(tuple(sorted({(out, block[to]) for out, to in move})), len(numbers))
        for move in moves
    ]
    lookup = np.array([*merged, -1], dtype=np.int32)
    rows = lookup[np.array([table[state] for state in first.values()], dtype=np.int32)]
    inner = _Bytes(classes.utf8, len(rows), numbers)
    whole = [inner.first(row) for row in rows.tolist()]
    return Lexer(
        terminals=tuple(terminal.name for terminal in syntax.terminals),
        symbols=tuple(composer.symbols),
        outs=tuple(composer.outs),
        moves=tuple(numbers),
        table=np.array([*whole, *inner.rows], dtype=np.int32),
        ends=(*(ends[state] for state in first.values()), *[() for _ in inner.rows]),
    )


class _Bytes:
    """States inside a character: rows of moves by byte, after the `count` rows there are.

    What is written is written on the first byte if that decides it, so that what is before a
    character does not multiply the states inside it.
    """

    def __init__(self, utf8: Utf8, count: int, numbers: dict[Move, int]) -> None:
        self.utf8, self.count, self.numbers = utf8, count, numbers
        self.moves = list(numbers)
        self.rows: list[tuple[int, ...]] = []
        self._ids: dict[tuple[int, ...], int] = {}
        self._known: dict[tuple[int, ...], int] = {}
        self._silent: dict[int, dict[int, int]] = {}

    def first(self, by_class: list[int]) -> list[int]:
        """The moves of a state by the first byte of a character, given those by class."""
        row = [-1] * 256
        for byte, to in self.utf8.nodes[self.utf8.root].items():
            row[byte] = by_class[to] if to >= 0 else self._hoisted(-1 - to, by_class)
        return row

    def _hoisted(self, node: int, by_class: list[int]) -> int:
        """The move into a node of UTF-8; each output leads to its own state there."""
        kinds = tuple(by_class[kind] for kind in self.utf8.below[node])
        parts = [self._by_out(kind) for kind in kinds]
        outs = sorted({out for part in parts for out in part})
        if not outs or (len(outs) > 1 and max(len(self.moves[kind]) for kind in kinds) == 1):
            return self._into(node, kinds)
        move = list[tuple[int, int]]()
        for out in outs:
            into = self._into(node, tuple(part.get(out, -1) for part in parts))
            move.extend((out, to) for _, to in self.moves[into])
        return self._number(tuple(move))

    def _by_out(self, number: int) -> dict[int, int]:
        """A move as silent moves, by what it writes."""
        if number not in self._silent:
            move = self.moves[number] if number >= 0 else ()
            self._silent[number] = {
                written: self._number(tuple((0, to) for out, to in move if out == written))
                for written in {out for out, _ in move}
            }
        return self._silent[number]

    def _into(self, node: int, kinds: tuple[int, ...]) -> int:
        """The silent move into a node of UTF-8 whose classes lead to moves; -1 if none does."""
        if max(kinds, default=-1) < 0:
            return -1
        if len(set(kinds)) == 1:
            node = self.utf8.plain[node]
            kinds = (kinds[0],) * len(self.utf8.below[node])
        key = (node, *kinds)
        if key not in self._known:
            by_class = dict(zip(self.utf8.below[node], kinds, strict=True))
            row = [-1] * 256
            for byte, to in self.utf8.nodes[node].items():
                inner = () if to >= 0 else self.utf8.below[-1 - to]
                row[byte] = (
                    by_class[to]
                    if to >= 0
                    else self._into(-1 - to, tuple(by_class[kind] for kind in inner))
                )
            state = self._ids.setdefault(tuple(row), len(self.rows))
            if state == len(self.rows):
                self.rows.append(tuple(row))
            self._known[key] = self._number(((0, self.count + state),))
        return self._known[key]

    def _number(self, move: Move) -> int:
        if not move:
            return -1
        number = self.numbers.setdefault(move, len(self.numbers))
        if number == len(self.moves):
            self.moves.append(move)
        return number


def _blocks(
    table: NDArray[np.int32],
    moves: Sequence[Move],
    ends: Sequence[tuple[int, ...]],
) -> list[int]:
    """Moore's partition: the number of each state's block, by first occurrence."""
    most = max((len(move) for move in moves), default=1)
    padded = [(*move, *[move[-1]] * (most - len(move))) for move in moves]
    pairs = np.array(padded, dtype=np.int64).reshape(len(moves), most, 2)
    kinds = dict[tuple[int, ...], int]()
    block = np.array([kinds.setdefault(end, len(kinds)) for end in ends], dtype=np.int64)
    count = len(kinds)
    while True:
        codes = np.sort(pairs[:, :, 0] * (len(table) + 1) + block[pairs[:, :, 1]], axis=1)
        _, kind = np.unique(codes, axis=0, return_inverse=True)
        lookup = np.append(kind.reshape(-1), -1)
        rows = np.column_stack([block, lookup[table]])
        seen = dict[bytes, int]()
        block = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in rows])
        if len(seen) == count:
            return [int(number) for number in block]
        count = len(seen)


def conflicting(a: Terminal, b: Terminal) -> bool:
    """Whether some text of one begins with, or is, some text of the other.

    A literal that is itself a text of the other, a pattern, does not count: the literal wins
    there (a keyword over a name).
    """
    nfa = Nfa()
    scanners = [
        Scanner(nfa, [entry], ordered=False, limit=LIMIT, classes=None)
        for entry in [nfa.add_pattern(t.pattern, t.flags, name=t.name) for t in (a, b)]
    ]
    for one, other in ((0, 1), (1, 0)):
        pair = (a, b)
        if (
            pair[one].literal
            and not pair[other].literal
            and scanners[other].fullmatch(_text(pair[one]))
        ):
            return False
    seen, work = {(0, 0)}, [(0, 0)]
    while work:
        x, y = work.pop()
        if scanners[0].at_end(x) or scanners[1].at_end(y):
            return True
        for kind in range(len(scanners[0].classes)):
            then = scanners[0].after(x, kind), scanners[1].after(y, kind)
            if min(then) >= 0 and then not in seen:
                seen.add(then)
                work.append(then)
    return False
