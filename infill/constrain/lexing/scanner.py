"""Deterministic scanning: the threads of a matcher, all followed at once, character by character.

A state is what every way of matching has come to. *Ordered*, the ways stand in the order in
which `re` tries them and those after a match are cut (leftmost-first, as RE2 does it), so lazy
quantifiers and the order of alternatives mean what `re.match` makes of them. Unordered, a state
is a set (longest match, `re.fullmatch`). A way whose lookahead is undecided carries it as a
duty, and its match counts only once the characters after it have fulfilled that.

Knows nothing of lexemes that follow each other.

>>> nfa = Nfa()
>>> lazy = Scanner(nfa, [nfa.add_pattern("a+?b?")], ordered=True)
>>> lazy.match("aab"), lazy.fullmatch("aab")
(1, False)
>>> longest = Scanner(nfa, [nfa.add_pattern("a+?b?")], ordered=False)
>>> longest.match("aab"), longest.fullmatch("aab")
(3, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from infill.constrain.lexing.codepoints import Classes
from infill.constrain.lexing.patterns import Again, Ahead, Behind, Character, End, Match, Nfa, Split
from infill.errors import GrammarError, LimitError

LIMIT = 20_000
REACH = 8
"""Characters that a lookahead may reach beyond the match it belongs to."""
_DEAD = -1
_UNKNOWN = -2


class Thread(NamedTuple):
    """One way of matching: the node it is at, or `-1 - tag` once matched `age` characters ago.

    duties      what undecided lookaheads still ask for, as numbers of the scanner
    """

    node: int
    duties: tuple[int, ...]
    age: int


class _Place(NamedTuple):
    """Where a walk without characters is; `entered` are the loops it began a round of."""

    node: int
    duties: tuple[int, ...]
    entered: frozenset[int]


class Keyword(NamedTuple):
    """A literal by its entry and tag, and the tag that a match it takes over is given."""

    entry: int
    tag: int
    written: int


class Situation(NamedTuple):
    """A state: the threads, and where the literals that may replace a match have come to."""

    threads: tuple[Thread, ...]
    keys: frozenset[int]


class Found(NamedTuple):
    """A match that ended `age` characters ago, and what of (`tags`, one when ordered)."""

    tags: tuple[int, ...]
    age: int


class Scanner:
    """Determinises the patterns that start at `entries`, as far as it is asked to.

    ordered     leftmost-first, else all matches
    keywords    tag → the literals that take over when they equal its match, in order
    inside      there is text before, of which nothing is known: a lookbehind or anchor at
                the very beginning is then an error
    whole       only a match of all the text counts; one that has ended before it is dropped
    limit       states; a state costs about a kilobyte

    State 0 is the start. Raises LimitError when more states are needed, GrammarError for a
    lookahead that reaches too far or a condition on unknown text.
    """

    def __init__(  # noqa: PLR0913 - they are independent
        self,
        nfa: Nfa,
        entries: Sequence[int],
        *,
        ordered: bool,
        keywords: Mapping[int, Sequence[Keyword]] | None = None,
        classes: Classes | None = None,
        inside: bool = False,
        whole: bool = False,
        limit: int = LIMIT,
    ) -> None:
        self.nfa, self.ordered, self.whole, self.limit = nfa, ordered, whole, limit
        self.classes = classes or Classes(nfa.sets)
        self._keywords = dict(keywords or {})
        self._loops = frozenset(node.loop for node in nfa.nodes if isinstance(node, Again))
        self._duties: list[tuple[bool, frozenset[int]]] = []
        self._duty_ids: dict[tuple[bool, frozenset[int]], int] = {}
        self.states: list[Situation] = []
        self._ids: dict[Situation, int] = {}
        self._moves: dict[tuple[int, int], int] = {}
        keys = self._spread(word.entry for words in self._keywords.values() for word in words)
        before = _UNKNOWN if inside else _DEAD
        threads = self._close([Thread(entry, (), 0) for entry in entries], before, keys)
        self._intern(Situation(threads, keys))

    def after(self, state: int, kind: int) -> int:
        """The state after a character of class `kind`, or -1 where no way goes on."""
        key = state, kind
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = self._step(self.states[state], kind)
        return found

    def found(self, state: int) -> tuple[Found, ...]:
        """The matches that this state settles."""
        threads = self.states[state].threads
        ages: dict[int, list[int]] = {}
        for node, duties, age in threads:
            if node < 0 and not duties:
                ages.setdefault(age, []).append(-1 - node)
        return tuple(Found(tuple(sorted(tags)), age) for age, tags in sorted(ages.items()))

    def live(self, state: int) -> bool:
        """Whether a further character can still change what is found."""
        return any(node >= 0 or duties for node, duties, _ in self.states[state].threads)

    def waiting(self, state: int) -> frozenset[int]:
        """The ages of matches that depend on what follows."""
        threads = self.states[state].threads
        return frozenset(age for node, duties, age in threads if node < 0 and duties)

    def at_end(self, state: int) -> tuple[Found, ...]:
        """The matches that hold if the text ends here; when ordered, the preferred one."""
        ages: dict[int, list[int]] = {}
        for node, duties, age in self.states[state].threads:
            if node < 0 and all(self._holds_at_end(duty) for duty in duties):
                ages.setdefault(age, []).append(-1 - node)
                if self.ordered:
                    break
        return tuple(Found(tuple(sorted(tags)), age) for age, tags in sorted(ages.items()))

    def match(self, text: str) -> int | None:
        """Where the match at the beginning of a text ends, or None."""
        state, best = 0, None
        for at, character in enumerate(text):
            best = self._best(self.found(state), at, best)
            state = self.after(state, self.classes.of(character))
            if state == _DEAD:
                return best
        return self._best(self.at_end(state), len(text), best)

    def fullmatch(self, text: str) -> bool:
        """Whether a match ends where the text ends (when ordered: whether *the* match does)."""
        return self.match(text) == len(text)

    def _best(self, found: Sequence[Found], at: int, best: int | None) -> int | None:
        if not found:
            return best
        end = at - found[0].age
        return end if self.ordered or best is None else max(end, best)

    def _intern(self, situation: Situation) -> int:
        if situation not in self._ids:
            if len(self.states) >= self.limit:
                raise LimitError(
                    "the terminals need too many states",
                    expected=f"at most {self.limit} states (limit: states)",
                    hint="simplify the patterns, above all counted repeats",
                )
            self._ids[situation] = len(self.states)
            self.states.append(situation)
        return self._ids[situation]

    def _step(self, situation: Situation, kind: int) -> int:
        moved = list[Thread]()
        for node, duties, age in situation.threads:
            target = node if node < 0 else self._out(node, kind)
            if (node < 0 and (self.whole or not duties)) or (node >= 0 and target == _DEAD):
                continue
            if age >= REACH:
                raise GrammarError(
                    "a lookahead at the end of a terminal reaches too far",
                    expected=f"at most {REACH} characters",
                    hint="shorten it, or move the distinction into the rules",
                )
            kept = self._fulfil(duties, kind) if duties else duties
            if kept is not None:
                moved.append(Thread(target, kept, age + 1 if node < 0 else 0))
        if not moved:
            return _DEAD
        keys = self._spread(self._onward(situation.keys, kind))
        threads = self._close(moved, kind, keys)
        return self._intern(Situation(threads, keys)) if threads else _DEAD

    def _onward(self, nodes: Iterable[int], kind: int) -> Iterable[int]:
        targets = (self._out(node, kind) for node in nodes)
        return (target for target in targets if target != _DEAD)

    def _close(
        self, moved: Iterable[Thread], before: int, keys: frozenset[int]
    ) -> tuple[Thread, ...]:
        """What the threads become before the next character; cut after the first certain match."""
        seen = set[_Place]()
        threads: dict[Thread, None] = {}
        for start in moved:
            if start.node < 0:
                threads[start] = None
                if self.ordered and not start.duties:
                    break
                continue
            stack = [_Place(start.node, start.duties, frozenset())]
            while stack:
                place = stack.pop()
                if place in seen or place._replace(duties=()) in seen:
                    continue
                seen.add(place)
                thread = self._expand(place, stack, before, keys)
                if thread is not None:
                    threads[thread] = None
                    if self.ordered and thread.node < 0 and not thread.duties:
                        return tuple(threads)
        return tuple(threads) if self.ordered else tuple(sorted(threads))

    def _expand(
        self, place: _Place, stack: list[_Place], before: int, keys: frozenset[int]
    ) -> Thread | None:
        """Follow one node without a character: push where it leads, or give the thread it is."""
        number, duties, entered = place
        node = self.nfa.nodes[number]
        match node:
            case Split():
                within = entered | {number} if number in self._loops else entered
                stack.extend(_Place(to, duties, within) for to in reversed(node.targets))
            case Again():
                onward = node.after if node.loop in entered else node.onward
                stack.append(_Place(onward, duties, entered))
            case Behind():
                if self._was(node, before) != node.negated:
                    stack.append(_Place(node.after, duties, entered))
            case Ahead():
                added = self._undertake(node, duties)
                if added is not None:
                    stack.append(_Place(node.after, added, entered))
            case Match():
                return Thread(-1 - self._renamed(node.tag, keys), duties, 0)
            case _:
                return Thread(number, duties, 0)
        return None

    def _was(self, node: Behind, before: int) -> bool:
        if before == _UNKNOWN:
            raise GrammarError(
                "a terminal looks at what stands before it",
                expected="a lookbehind, boundary or anchor only after a first character",
                hint="move the distinction into the rules",
            )
        return before in self.classes.members[node.among]

    def _renamed(self, tag: int, keys: frozenset[int]) -> int:
        for word in self._keywords.get(tag, ()):
            if any(self.nfa.nodes[key] == Match(word.tag) for key in keys):
                return word.written
        return tag

    def _out(self, number: int, kind: int) -> int:
        """Where a node goes on a class, or -1."""
        node = self.nfa.nodes[number]
        if isinstance(node, Character) and kind in self.classes.members[node.among]:
            return node.after
        return _DEAD

    def _spread(self, nodes: Iterable[int]) -> frozenset[int]:
        """All nodes that a set reaches without a character (no conditions among them)."""
        seen, stack = set[int](), list(nodes)
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            node = self.nfa.nodes[number]
            if isinstance(node, Split):
                stack.extend(node.targets)
            elif isinstance(node, Again):
                stack.extend((node.onward, node.after))
        return frozenset(n for n in seen if isinstance(self.nfa.nodes[n], Character | Match | End))

    def _duty(self, negated: bool, nodes: frozenset[int]) -> int:  # noqa: FBT001
        key = negated, nodes
        if key not in self._duty_ids:
            self._duty_ids[key] = len(self._duties)
            self._duties.append(key)
        return self._duty_ids[key]

    def _undertake(self, node: Ahead, duties: tuple[int, ...]) -> tuple[int, ...] | None:
        nodes = self._spread([node.inner])
        if any(isinstance(self.nfa.nodes[n], Match) for n in nodes):
            return None if node.negated else duties
        return tuple(sorted({*duties, self._duty(node.negated, nodes)}))

    def _fulfil(self, duties: tuple[int, ...], kind: int) -> tuple[int, ...] | None:
        """What is left to ask after a character, or None if it broke a duty."""
        left = set[int]()
        for duty in duties:
            negated, nodes = self._duties[duty]
            then = self._spread(self._onward(nodes, kind))
            met = any(isinstance(self.nfa.nodes[node], Match) for node in then)
            if met if negated else not (met or then):
                return None
            if not met and then:
                left.add(self._duty(negated, then))
        return tuple(sorted(left))

    def _holds_at_end(self, duty: int) -> bool:
        negated, nodes = self._duties[duty]
        return negated != any(isinstance(self.nfa.nodes[node], End) for node in nodes)

    @cached_property
    def reach(self) -> tuple[frozenset[int], ...]:
        """Per state, the tags that a match may still be given. Builds every state."""
        before: list[set[int]] = []
        for state, _ in enumerate(self.states):  # grows while it is walked
            for kind in range(len(self.classes)):
                then = self.after(state, kind)
                if then >= 0:
                    before.extend(set() for _ in range(len(self.states) - len(before)))
                    before[then].add(state)
        before.extend(set() for _ in range(len(self.states) - len(before)))
        reach = [set[int]() for _ in self.states]
        for state, situation in enumerate(self.states):
            for tag in {-1 - thread.node for thread in situation.threads if thread.node < 0}:
                work = [state]
                while work:
                    at = work.pop()
                    if tag not in reach[at]:
                        reach[at].add(tag)
                        work.extend(before[at])
        return tuple(frozenset(tags) for tags in reach)
