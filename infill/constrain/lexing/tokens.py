"""What each token of a vocabulary does to the lexer: the lexer, read token by token.

From a state of the lexer a token writes a run of symbols and leads to another state. Tokens
that do the same from every state form one class; a 129,000-token vocabulary has some 280 of
them for JSON. Knows nothing of parsers or canvases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from infill.constrain.engine import compiled
from infill.constrain.lexing.modes import Follows
from infill.constrain.lexing.transducer import Lexer
from infill.constrain.lexing.twins import twins
from infill.vocab import Bitmask, Vocab, pack

Run = tuple[int, ...]
"""Symbols of the lexer, by index, in the order in which they are written."""

UNIT = 4
"""Columns that plain newlines go by; any other costs more in a search, no more than that."""

Ways = tuple[tuple[Run, int], ...]
"""Alternatives: what is written, and the state that follows."""


class Tokens:
    """The lexer over tokens: their classes, and what a class does from a state.

    lexer       gives the lexer, where it is asked for
    twins       per state of the lexer the one that is the same between brackets (`twins.py`)
    classes     int32 [V] the class of each token; -1 for one that is never written
    samples     a token of each class, as bytes
    plain       classes enough to say most things shortly (`_plain`)
    """

    def __init__(  # noqa: PLR0913 - what is known of tokens
        self,
        lexer: Callable[[], Lexer],
        follows: Follows,
        *,
        twins: Sequence[int],
        classes: NDArray[np.int32],
        samples: tuple[bytes, ...],
        plain: frozenset[int],
    ) -> None:
        self._lexer, self.follows, self.twins = lexer, follows, twins
        self.classes, self.samples, self.plain = classes, samples, plain
        self._ways: dict[tuple[int, int], Ways] = {}
        self._edges: dict[int, dict[tuple[Run, int], tuple[int, ...]]] = {}

    @property
    def lexer(self) -> Lexer:
        """What reads the tokens."""
        return self._lexer()

    def ways(self, kind: int, state: int) -> Ways:
        """What a class of tokens does from a state; class -1 renders to nothing."""
        if kind < 0:
            return (((), state),)
        key = (kind, state)
        if key not in self._ways:
            self._ways[key] = walk(self.lexer, self.follows, state, self.samples[kind])
        return self._ways[key]

    def edges(self, state: int) -> dict[tuple[Run, int], tuple[int, ...]]:
        """Every way that some token takes from a state, and the classes of those tokens."""
        if state not in self._edges:
            here: dict[tuple[Run, int], list[int]] = defaultdict(list)
            for kind in range(len(self.samples)):
                for way in self.ways(kind, state):
                    here[way].append(kind)
            self._edges[state] = {way: tuple(kinds) for way, kinds in here.items()}
        return self._edges[state]

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """int64 [C] The first token of each class."""
        found = np.full(len(self.samples) + 1, -1, np.int64)  # the last is for class -1
        found[self.classes[::-1]] = np.arange(len(self.classes))[::-1]
        return found[:-1]

    def union(self, classes: NDArray[np.bool_]) -> Bitmask:
        """The tokens of the classes marked in bool [C]."""
        return pack(np.append(classes, False)[self.classes])  # -1: none


def walk(lexer: Lexer, follows: Follows, state: int, data: bytes) -> Ways:
    """What some bytes do from a state, readings that change modes as they cannot left out."""
    ways: Ways = (((), state),)
    for byte in data:
        ways = step(lexer, follows, ways, byte)
    return ways


def step(lexer: Lexer, follows: Follows, ways: Ways, byte: int) -> Ways:
    """The alternatives after one more byte."""
    found: dict[tuple[Run, int], None] = {}
    for written, state in ways:
        move = int(lexer.table[state, byte])
        for out, target in lexer.moves[move] if move >= 0 else ():
            run = (*written, *lexer.outs[out])
            if all(follows.allows(run[:end], run[end]) for end in range(len(written), len(run))):
                found[run, target] = None
    return tuple(found)


def read(lexer: Lexer, vocab: Vocab, follows: Follows, roles: Mapping[str, str]) -> Tokens:
    """Sort the tokens of a vocabulary into classes; `roles` as `Syntax.roles` has them."""
    writable = np.flatnonzero(vocab.writable).tolist()
    # sorted, so that each token shares the longest prefix with the one before
    tokens = sorted((vocab.token_bytes(t), t) for t in writable if t != vocab.blank)
    pieces = [piece for piece, _ in tokens]
    # what two tokens do alike from a state they do alike from every twin of it
    same = twins(lexer)
    states = sorted(set(same))
    reading = _effects if compiled.library() is None else compiled.effects
    effects = reading(lexer, follows, states, pieces)
    first: dict[bytes, int] = {}
    of = [first.setdefault(row.tobytes(), len(first)) for row in effects]
    samples: dict[int, bytes] = {}
    for kind, piece in zip(of, pieces, strict=True):
        samples.setdefault(kind, piece)
    classes = np.full(len(vocab), -1, np.int32)
    classes[[token for _, token in tokens]] = of
    tokens_ = tuple(samples[kind] for kind in range(len(first)))
    return Tokens(
        *(lambda: lexer, follows),
        twins=same,
        classes=classes,
        samples=tokens_,
        plain=_plain(lexer, follows, tokens_, roles),
    )


def _plain(
    lexer: Lexer, follows: Follows, samples: Sequence[bytes], roles: Mapping[str, str]
) -> frozenset[int]:
    """Classes enough to say most things shortly.

    Per role the shortest token that is a terminal of it, by itself and after a space; punctuation
    that is no terminal, and white space; per column that is whole units deep, or one less since
    words may bring their own space, the shortest newline that leads there.
    """
    best: dict[object, int] = {}
    for kind, sample in enumerate(samples):
        for name in _plainly(lexer, follows, sample, roles):
            if len(sample) < len(samples[best.setdefault(name, kind)]):
                best[name] = kind
    return frozenset(best.values())


def _plainly(
    lexer: Lexer, follows: Follows, sample: bytes, roles: Mapping[str, str]
) -> Iterator[object]:
    """What a token stands for in `_plain`."""
    if sample.strip(b" ") == b"\n" and sample[:1] == b"\n":
        if (len(sample) - 1) % UNIT in (0, UNIT - 1):
            yield len(sample)
        return
    known = False
    for run, state in walk(lexer, follows, 0, sample):
        for out in lexer.ends[state]:
            symbols = [lexer.symbols[x] for x in (*run, *lexer.outs[out])]
            lexemes = [symbol for symbol in symbols if symbol.terminals]
            if lexemes and lexemes[-1].column >= 0:  # the newline that the end implies
                lexemes.pop()
            if len(lexemes) == 1:
                known = True
                names = [lexer.terminals[terminal] for terminal in lexemes[0].terminals]
                yield tuple(roles.get(name, name) for name in names), sample[:1] == b" "
    shows = sample.isspace() or 32 < sample[0] < 127  # noqa: PLR2004 - in ASCII
    if len(sample) == 1 and shows and not known and not sample.isalnum():
        yield sample


def _effects(
    lexer: Lexer, follows: Follows, states: list[int], pieces: list[bytes]
) -> NDArray[np.int32]:
    """[n, states] Numbers that are equal where tokens do the same; oracle of `engine/_tokens.c`."""
    numbers: dict[frozenset[tuple[Run, int]], int] = {}
    effects = np.empty((len(pieces), len(states)), np.int32)
    for column, state in enumerate(states):
        path: list[Ways] = [(((), state),)]
        before = b""
        for row, piece in enumerate(pieces):
            pairs = zip(before, piece, strict=False)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            del path[shared + 1 :]
            for byte in piece[shared:]:
                path.append(step(lexer, follows, path[-1], byte))
            before = piece
            effects[row, column] = numbers.setdefault(frozenset(path[-1]), len(numbers))
    return effects
