"""Lexeme after lexeme: scanners composed into a transducer, before it is minimised.

A composed state is a scanner's state inside a lexeme, the last match in it, and what the characters
since would be read as if the lexeme ended there. Knows nothing of patterns or rules.

>>> Symbol((3,), column=4)
Symbol(terminals=(3,), column=4, mode=-1)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from infill.constrain.lexing.following import following
from infill.constrain.lexing.scanner import Found, Scanner
from infill.constrain.syntax import Syntax

WIDEST = 120
"""Columns are counted up to here; a wider one is this one."""
_NO_LINE = -1  # no newline character in the lexeme so far


@dataclass(frozen=True, slots=True)
class Symbol:
    """What the transducer writes.

    terminals   indices into the lexer's: what this lexeme is; one with lexing "first", with
                "all" every terminal that matches all of it
    column      of a newline terminal of an `Indentation`, columns of the line it leads to
    mode        ≥ 0: no lexeme, but one begins that is read in this mode; no terminals then
    """

    terminals: tuple[int, ...]
    column: int = -1
    mode: int = -1


Way = tuple[tuple[int, ...], int]
"""Symbols written, and the composed state reached."""
Ways = frozenset[Way]


class Tail(NamedTuple):
    """Where the lexeme may have ended: characters since, column there, how those are read then."""

    age: int
    column: int
    ways: Ways


class Composed(NamedTuple):
    """A state inside a lexeme: of which scanner, columns so far, last match, ways back."""

    mode: int
    state: int
    column: int
    found: Found | None
    tails: tuple[Tail, ...]


_FRESH: Ways = frozenset({((), 0)})


class Composer:
    """Explores the composed states; number 0 is "between lexemes".

    After `run()`: `rows[state][class]` indexes `moves` or is -1; `moves` hold (out, state)
    alternatives; `ends[state]` are outs; `outs` are runs of `symbols`.
    """

    def __init__(
        self,
        syntax: Syntax,
        scanners: Sequence[Scanner],
        modes: Sequence[frozenset[str]],
        *,
        back: int,
        limit: int,
    ) -> None:
        self.scanners, self.back, self.limit = scanners, back, limit
        names = [terminal.name for terminal in syntax.terminals]
        self.count = len(names)  # a tag is an index, plus `count` for a keyword found by value
        self.ignored = frozenset(names.index(name) for name in syntax.ignore)
        self.indentation = syntax.indentation
        self.newline = names.index(syntax.indentation.newline) if syntax.indentation else -1
        self.follow = _follow(syntax, modes)
        self.line_modes = [
            m for m, mode in enumerate(modes) if self.newline >= 0 and names[self.newline] in mode
        ]
        self.states: list[Composed | None] = [None]
        self.symbols: list[Symbol] = []
        self.outs: list[tuple[int, ...]] = [()]
        self.moves: list[tuple[tuple[int, int], ...]] = []
        self.rows: list[list[int]] = []
        self.ends: list[tuple[int, ...]] = []
        self._state_ids: dict[Composed, int] = {}
        self._symbol_ids: dict[Symbol, int] = {}
        self._out_ids: dict[tuple[int, ...], int] = {(): 0}
        self._move_ids: dict[Ways, int] = {frozenset(): -1}
        self._steps: list[dict[int, Ways]] = [{}]
        self._nexts: dict[tuple[tuple[int, ...], int], frozenset[int]] = {}
        self._needed = set[tuple[tuple[int, int], tuple[int, int]]]()
        self._immortal: list[dict[int, bool]] = [{} for _ in scanners]

    def run(self) -> bool:
        """Build everything; False if the limit does not allow it with so many characters `back`."""
        kinds = range(len(self.scanners[0].classes))
        for state, _ in enumerate(self.states):  # grows while it is walked
            if len(self.states) > self.limit:
                return False
            self.rows.append([self._move(self.step(state, kind)) for kind in kinds])
        for state, _ in enumerate(self.states):
            ends = sorted(self._out(out) for out in self._implied(self._at_end(state)))
            self.ends.append(tuple(ends))
        return True

    def step(self, number: int, kind: int) -> Ways:
        """The ways on from a state with a character of class `kind`."""
        known = self._steps[number]
        if kind not in known:
            state = self.states[number]
            known[kind] = self._start(kind) if state is None else self._step(state, kind)
        return known[kind]

    def _start(self, kind: int) -> Ways:
        ways = set[Way]()
        for mode in range(len(self.scanners)):
            marked = (self._symbol(Symbol((), mode=mode)),) if len(self.scanners) > 1 else ()
            fresh = Composed(mode, 0, _NO_LINE, None, ())
            ways.update((marked + out, to) for out, to in self._step(fresh, kind))
        return frozenset(ways)

    def _step(self, old: Composed, kind: int) -> Ways:
        scanner = self.scanners[old.mode]
        state = scanner.after(old.state, kind)
        found = Found(old.found.tags, old.found.age + 1) if old.found else None
        if state < 0:
            return self._written(found, self._advanced(old, kind, found, frozenset()), old.mode)
        found = _better(found, scanner.found(state), ordered=scanner.ordered)
        waiting = scanner.waiting(state)
        column = self._column(old.mode, state, old.column, scanner.classes.samples[kind])
        tails = self._advanced(old, kind, found, waiting)
        if 0 in waiting or (found and found.age == 0):
            tails = (Tail(0, column, _FRESH), *tails)
        if not scanner.live(state):
            return self._written(found, tails, old.mode)
        if found and found.age and self._hopeless(old.mode, state, found, tails):
            found = None
            tails = tuple(tail for tail in tails if tail.age in waiting)
        return frozenset({((), self._intern(Composed(old.mode, state, column, found, tails)))})

    def _advanced(
        self, old: Composed, kind: int, found: Found | None, waiting: frozenset[int]
    ) -> tuple[Tail, ...]:
        """The tails that are still of use, one character older."""
        kept = list[Tail]()
        for age, column, ways in old.tails:
            due = age + 1 in waiting
            if due or (found and age + 1 == found.age):
                read = self._next_modes(found.tags, old.mode) if found and not due else None
                on = {
                    (out + more, to)
                    for out, at in ways
                    for more, to in self.step(at, kind)
                    if self._may_follow(self._modes_after(out) if out else read, more)
                }
                kept.append(Tail(age + 1, column, frozenset(on)))
        return tuple(kept)

    def _may_follow(self, modes: frozenset[int] | None, more: tuple[int, ...]) -> bool:
        """Whether the mode that `more` begins with, if any, is one of some."""
        return modes is None or not more or self.symbols[more[0]].mode in modes

    def _modes_after(self, out: tuple[int, ...]) -> frozenset[int] | None:
        """The modes that can follow a run of symbols, -1 for none; None where all can."""
        if not self.follow:
            return None
        symbol = self.symbols[out[-1]]
        if symbol.mode >= 0:  # what was read in it was ignored
            return frozenset({-1, symbol.mode})
        mode = self.symbols[out[-2]].mode if len(out) > 1 else -1
        return None if mode < 0 else self._next_modes(symbol.terminals, mode)

    def _next_modes(self, tags: tuple[int, ...], mode: int) -> frozenset[int] | None:
        """The modes that can follow a lexeme read in a mode, -1 for none; None where all can.

        An ignored lexeme, or a newline between brackets, leaves the parser where it is.
        """
        if not self.follow:
            return None
        key = tags, mode
        if key not in self._nexts:
            allowed = {-1}
            for tag in tags:
                allowed |= self.follow.get(tag % self.count, frozenset())
                if tag in self.ignored or tag == self.newline:
                    allowed.add(mode)
            self._nexts[key] = frozenset(allowed)
        return self._nexts[key]

    def _hopeless(self, mode: int, state: int, found: Found, tails: Sequence[Tail]) -> bool:
        """Whether going back to the match is impossible, never needed, or too far."""
        ways = next(tail.ways for tail in tails if tail.age == found.age)
        if not ways or found.age > self.back or self._cannot_die(mode, state):
            return True
        return all(self._outlived((mode, state), self.states[at]) for _, at in ways)

    def _outlived(self, main: tuple[int, int], other: Composed | None) -> bool:
        """Whether the other reading of the characters since ends wherever the lexeme does.

        So it is with the string that `r"` begins, against the name `r` and the string after it.
        """
        if other is None or other.found is not None:
            return False
        first = main, (other.mode, other.state)
        seen, work = {first}, [first]
        while work and first not in self._needed:
            (m, s), (n, t) = pair = work.pop()
            one, two = self.scanners[m], self.scanners[n]
            if two.found(t) or (two.at_end(t) and not one.at_end(s)):
                self._needed.add(first)
            for kind in range(len(one.classes)):
                here, there = one.after(s, kind), two.after(t, kind)
                if there >= 0 and here < 0:
                    self._needed.add(first)
                elif there >= 0 and not one.found(here):
                    pair = (m, here), (n, there)
                    if pair not in seen:
                        seen.add(pair)
                        work.append(pair)
        return first not in self._needed

    def _written(self, found: Found | None, tails: Sequence[Tail], mode: int) -> Ways:
        """The lexeme is what was found; the characters since have their other reading."""
        if found is None:
            return frozenset()
        tail = next(tail for tail in tails if tail.age == found.age)
        runs, modes = list(self._runs(found.tags, tail.column)), self._next_modes(found.tags, mode)
        ways = [way for way in tail.ways if self._may_follow(modes, way[0])]
        return frozenset((run + out, to) for run in runs for out, to in ways)

    def _runs(self, tags: tuple[int, ...], column: int) -> Iterator[tuple[int, ...]]:
        """What may be written for a lexeme: a symbol, nothing if it is ignored, or either."""
        kept = tuple(tag % self.count for tag in tags if tag not in self.ignored)
        if self.newline in kept and column < 0:  # Lark's Indenter fails on such a lexeme
            kept = tuple(tag for tag in kept if tag != self.newline)
            if not kept:
                return
        if kept:
            wide = column if self.newline in kept else -1
            yield (self._symbol(Symbol(kept, column=wide)),)
        if not self.ignored.isdisjoint(tags):
            yield ()

    def _at_end(self, number: int) -> Iterator[tuple[int, ...]]:
        """What may be written if the text ends in a state."""
        state = self.states[number]
        if state is None:
            yield ()
            return
        scanner = self.scanners[state.mode]
        found = _better(state.found, scanner.at_end(state.state), ordered=scanner.ordered)
        tail = next((tail for tail in state.tails if found and tail.age == found.age), None)
        if found is None or tail is None:  # no match, or the way back to it was given up
            return
        column, ways = tail.column, tail.ways
        if found.age == 0 and self.indentation and self.indentation.implied_end:
            column = 0
        for run in self._runs(found.tags, column):
            for out, to in ways:
                for rest in self._at_end(to):
                    yield run + out + rest

    def _implied(self, runs: Iterable[tuple[int, ...]]) -> set[tuple[int, ...]]:
        """The runs, and each also with the newline that a text need not end with."""
        found = set(runs)
        if self.indentation is None or not self.indentation.implied_end:
            return found
        added = set[tuple[int, ...]]()
        line = self._symbol(Symbol((self.newline,), column=0))
        for run in found:
            if run and self.newline in self.symbols[run[-1]].terminals:
                continue
            for mode in self.line_modes:
                marked = (self._symbol(Symbol((), mode=mode)),) if len(self.scanners) > 1 else ()
                added.add((*run, *marked, line))
        return found | added

    def _column(self, mode: int, state: int, column: int, byte: int) -> int:
        """Columns since the lexeme's last newline, where it may still be a newline terminal."""
        reach = self.scanners[mode].reach[state]
        if self.indentation is None or reach.isdisjoint({self.newline, self.newline + self.count}):
            return _NO_LINE
        if byte == ord("\n"):
            return 0
        wide = {ord(" "): 1, ord("\t"): self.indentation.tab}.get(byte, 0)
        return min(column + wide, WIDEST) if column >= 0 else column

    def _cannot_die(self, mode: int, state: int) -> bool:
        """Whether a text can stay in the lexeme for ever, and none leaves it without a match.

        Only the end of the text can then call for the way back. Where a later match is a few
        characters away in any case, the way is short, and kept for a text that ends before it.
        """
        known = self._immortal[mode]
        if state not in known:
            scanner, seen, fronts = self.scanners[mode], {state}, set[frozenset[int]]()
            front = frozenset({state})
            while front and front not in fronts and min(seen) >= 0:  # not round and round
                fronts.add(front)
                kinds = range(len(scanner.classes))
                then = {scanner.after(at, kind) for at in front for kind in kinds}
                seen |= then
                front = frozenset(to for to in then if to >= 0 and not scanner.found(to))
            known[state] = min(seen) >= 0 and bool(front)
        return known[state]

    def _intern(self, state: Composed) -> int:
        if state not in self._state_ids:
            self._state_ids[state] = len(self.states)
            self.states.append(state)
            self._steps.append({})
        return self._state_ids[state]

    def _symbol(self, symbol: Symbol) -> int:
        if symbol not in self._symbol_ids:
            self._symbol_ids[symbol] = len(self.symbols)
            self.symbols.append(symbol)
        return self._symbol_ids[symbol]

    def _out(self, run: tuple[int, ...]) -> int:
        if run not in self._out_ids:
            self._out_ids[run] = len(self.outs)
            self.outs.append(run)
        return self._out_ids[run]

    def _move(self, ways: Ways) -> int:
        if ways not in self._move_ids:
            self._move_ids[ways] = len(self.moves)
            self.moves.append(tuple(sorted((self._out(out), to) for out, to in ways)))
        return self._move_ids[ways]


def _follow(syntax: Syntax, modes: Sequence[frozenset[str]]) -> dict[int, frozenset[int]]:
    """Per terminal of the rules, the modes that can follow it at once; {} if all is one mode."""
    if len(modes) < 2 or not syntax.rules:  # noqa: PLR2004
        return {}
    after = following(syntax.rules)
    if columns := syntax.indentation:
        made = [after.get(name, set()) for name in (columns.indent, columns.dedent)]
        after[columns.newline] = after.get(columns.newline, set()).union(*made)
    return {
        tag: frozenset(
            mode
            for mode, names in enumerate(modes)
            if not (names - syntax.ignore).isdisjoint(after.get(terminal.name, ()))
        )
        for tag, terminal in enumerate(syntax.terminals)
    }


def _better(old: Found | None, new: Sequence[Found], *, ordered: bool) -> Found | None:
    """The match that counts: the preferred one, or the longest with all that it is."""
    if not new:
        return old
    best = new[0]
    if ordered or old is None or best.age < old.age:
        return best
    if best.age > old.age:
        return old
    return Found(tuple(sorted({*old.tags, *best.tags})), old.age)
