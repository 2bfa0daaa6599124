"""Which places of a text name the same thing, and which names are bound nowhere.

Python only, by its own rules of scope (Language Reference, 4.2): a class body is no scope for
the functions in it, a comprehension is one, `global` and `nonlocal` are obeyed. Attributes and
keyword arguments are no names here. Knows nothing of models.

>>> text = b"def f(a):\\n    return a + b\\n"
>>> [span.start for span in occurrences(text, 6)]
[6, 21]
>>> [text[span.start : span.stop] for span in unbound(text)]
[b'b']
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from infill.edit.verify import line_starts
from infill.errors import InputError
from infill.text import Source, Span

MODULE_NAMES = frozenset(
    {"__file__", "__name__", "__doc__", "__package__", "__spec__", "__path__", "__loader__"}
    | {"__annotations__", "__builtins__", "__class__", "__module__", "__qualname__", "__debug__"}
)
KNOWN = frozenset(dir(builtins)) | MODULE_NAMES
IMPORTED = "another module gives it this name"
UNKNOWN_PLACE = "it stands in an f-string, whose places Python tells from 3.12 on"
UNKNOWN_SPELLING = "it is spelt in a way that is not known"
EXACT_STRINGS = sys.version_info >= (3, 12)
WORD = re.compile(rb"[\w\x80-\xff]+|\*")
"""A name as it may stand in code, or what a star import binds."""


@dataclass(eq=False)
class Scope:
    """One scope: what is bound in it, what it declares, and where it stands."""

    kind: str
    parent: Scope | None = None
    bound: set[str] = field(default_factory=set[str])
    globals: set[str] = field(default_factory=set[str])
    nonlocals: set[str] = field(default_factory=set[str])

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        return self if self.parent is None else self.parent.module

    def owner(self, name: str) -> Scope | None:
        """The scope whose variable a name is here; None for a builtin or nothing."""
        if name in self.globals:
            return self.module
        scope: Scope | None = self
        if name in self.nonlocals:
            scope = self.parent
        while scope is not None:
            if name in scope.bound and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    def reach(self) -> set[str]:
        """The names bound here or around here."""
        names, scope = set[str](), self
        while scope is not None:
            names |= scope.bound
            scope = scope.parent
        return names - {"*"}


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names something; `pinned` says why it cannot be changed, if so.

    name   as Python has it, which may not be as it is spelt there: it normalises names (NFKC)
    span   where it stands; empty where that is not known
    bind   whether it binds the name, rather than reads it
    """

    name: str
    span: Span
    scope: Scope
    pinned: str = ""
    bind: bool = False


def uses(data: bytes, name: str = "<text>") -> list[Use]:
    """Every place of a Python text that names a variable, function, class or module, in order.

    Raises InputError when the text does not parse.
    """
    walker = _Walker(data)
    walker.visit(parsed(data, name))
    return sorted(walker.uses, key=lambda use: use.span)


def parsed(data: bytes, name: str = "<text>") -> ast.Module:
    """The tree of a Python text, as UTF-8 whatever its coding cookie says.

    Raises InputError when the text does not parse.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape is no error
            return ast.parse(data.decode("utf-8-sig"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            "names are found in texts that parse only", where=name, got=str(error)
        ) from error


def occurrences(data: bytes, at: int, name: str = "<text>") -> tuple[Span, ...]:
    """All places that name what the name at byte `at` names, that one included.

    Raises InputError when there is no name at `at`, or one that cannot be changed here alone.
    """
    found = uses(data, name)
    here = next((use for use in found if use.span.start <= at < use.span.stop), None)
    if here is None:
        raise InputError(
            "there is no name here",
            where=f"{name}, {Source(data).position(at)}",
            expected="a variable, function, class or module of the text",
            hint="attributes, keyword arguments and text in strings are not followed",
        )
    owner = here.scope.owner(here.name)
    if owner is None:
        raise InputError(
            "this name is bound elsewhere",
            where=f"{name}, {Source(data).position(at)}",
            got=here.name,
            hint="a builtin, or a name that is not defined in this text, cannot be tied",
        )
    same = [use for use in found if use.name == here.name and use.scope.owner(use.name) is owner]
    if pinned := next((use for use in same if use.pinned), None):
        raise InputError(
            "this name cannot be changed everywhere",
            where=f"{name}, {Source(data).position(pinned.span.start)}",
            got=f"{here.name}: {pinned.pinned}",
            hint=f"import it `as {here.name}` first, or give the places yourself",
        )
    return tuple(use.span for use in same)


def unbound(data: bytes) -> tuple[Span, ...]:
    """The names that nothing in the text binds and that are no builtins.

    None where a star import may bind anything. Raises InputError when the text does not parse.
    """
    return tuple(use.span for use in unbound_uses(uses(data)))


def unbound_uses(found: Sequence[Use]) -> list[Use]:
    """As `unbound`, of all the uses of a text."""
    if any(use.name == "*" for use in found):
        return []
    return [use for use in found if use.name not in KNOWN and use.scope.owner(use.name) is None]


def bound_at(data: bytes) -> tuple[Span, ...]:
    """Where names are bound, in order, but for those that cannot be changed here alone."""
    return tuple(use.span for use in uses(data) if use.bind and not use.pinned)


def names_in_reach(data: bytes, at: int) -> tuple[str, ...]:
    """The names that could stand at byte `at`: bound in its scope or around it, sorted."""
    here = next((use for use in uses(data) if use.span.start <= at < use.span.stop), None)
    return () if here is None else tuple(sorted(here.scope.reach()))


class _Walker(ast.NodeVisitor):
    """Collects uses; a scope's bindings are complete once the whole tree was walked."""

    def __init__(self, data: bytes) -> None:
        self.data, self.uses = data, list[Use]()
        self.starts = line_starts(data)
        self.scope = Scope("module")
        self.places: dict[str, list[int]] | None = None

    def _at(self, node: ast.AST, *, end: bool = False) -> int:
        line = getattr(node, "end_lineno" if end else "lineno")
        column = getattr(node, "end_col_offset" if end else "col_offset")
        mark = 3 if line == 1 and self.data.startswith(b"\xef\xbb\xbf") else 0
        return self.starts[line - 1] + column + mark

    def _use(
        self, name: str, start: int, *, bind: bool, scope: Scope | None = None, pinned: str = ""
    ) -> None:
        scope = scope or self.scope
        if bind and name not in scope.globals | scope.nonlocals:
            scope.bound.add(name)
        elif bind and name in scope.globals:
            scope.module.bound.add(name)
        if self.places is not None:
            spots = self.places.get(name, [])
            start, pinned = (spots.pop(0), pinned) if spots else (start, UNKNOWN_PLACE)
        word = None if pinned == UNKNOWN_PLACE else WORD.match(self.data, start)
        if word is None or _normal(word[0]) != name:
            span, pinned = Span(start, start), pinned or UNKNOWN_SPELLING
        else:
            span = Span(*word.span())
        self.uses.append(Use(name, span, scope, pinned, bind))

    def _spots(self, name: str, start: int, stop: int) -> Iterator[int]:
        """The bytes where a name stands as a word in a stretch of the text."""
        for word in WORD.finditer(self.data, start, stop):
            if _normal(word[0]) == name:
                yield word.start()

    def _find(self, name: str, start: int, stop: int, *, last: bool = False) -> int:
        """The first or the last of them; `start` where there is none."""
        spots = self._spots(name, start, stop)
        return max(spots, default=start) if last else next(spots, start)

    def visit_Name(self, node: ast.Name) -> None:
        bind = not isinstance(node.ctx, ast.Load)
        self._use(node.id, self._at(node), bind=bind)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Before Python 3.12 the nodes in an f-string tell wrong places: look for the words."""
        if EXACT_STRINGS or self.places is not None:
            self.generic_visit(node)
            return
        named = Counter(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        self.places = {}
        for name, count in named.items():
            spots = list(self._spots(name, self._at(node), self._at(node, end=True)))
            self.places[name] = spots if len(spots) == count else []
        self.generic_visit(node)
        self.places = None

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self.scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        self._use(node.target.id, self._at(node.target), bind=True, scope=scope)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for outer in (*node.decorator_list, *_outside(node.args), *filter(None, [node.returns])):
            self.visit(outer)
        start = self._at(node)
        self._use(node.name, self._find(node.name, start + 3, self._at(node, end=True)), bind=True)
        self._inside("function", node, node.body, node.args)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for outer in _outside(node.args):
            self.visit(outer)
        self._inside("function", node, [node.body], node.args)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for outer in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outer)
        start = self._at(node)
        self._use(node.name, self._find(node.name, start + 5, self._at(node, end=True)), bind=True)
        self._inside("class", node, node.body, None)

    def _inside(
        self, kind: str, node: ast.AST, body: Sequence[ast.AST], args: ast.arguments | None
    ) -> None:
        outer, self.scope = self.scope, Scope(kind, self.scope)
        for declared in _declarations(body):
            names = set(declared.names)
            if isinstance(declared, ast.Global):
                self.scope.globals |= names
            else:
                self.scope.nonlocals |= names
        for parameter in getattr(node, "type_params", ()):
            start, stop = self._at(parameter), self._at(parameter, end=True)
            self._use(parameter.name, self._find(parameter.name, start, stop), bind=True)
        for argument in _parameters(args) if args else ():
            self._use(argument.arg, self._at(argument), bind=True)
        for child in body:
            self.visit(child)
        self.scope = outer

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        outer, self.scope = self.scope, Scope("comprehension", self.scope)
        self.visit(first.target)
        for condition in first.ifs:
            self.visit(condition)
        for other in others:
            self.visit(other)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self.scope = outer

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815 - ast's names

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.asname:
                start, stop = self._at(alias), self._at(alias, end=True)
                self._use(alias.asname, self._find(alias.asname, start, stop, last=True), bind=True)
            else:
                top = alias.name.partition(".")[0]
                self._use(top, self._at(alias), bind=True, pinned=IMPORTED)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.visit_Import(node)

    def _declared(self, node: ast.Global | ast.Nonlocal) -> None:
        for name in node.names:
            start = self._find(name, self._at(node) + 6, self._at(node, end=True))
            self._use(name, start, bind=isinstance(node, ast.Global))

    visit_Global = visit_Nonlocal = _declared  # noqa: N815 - ast's names

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
            if node.name:
                start = self._find(node.name, self._at(node.type, end=True), self._at(node.body[0]))
                self._use(node.name, start, bind=True)
        for child in node.body:
            self.visit(child)

    def _captured(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        self.generic_visit(node)
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            start, stop = self._at(node), self._at(node, end=True)
            self._use(name, self._find(name, start, stop, last=True), bind=True)

    visit_MatchAs = visit_MatchStar = visit_MatchMapping = _captured  # noqa: N815 - ast's names


def _normal(word: bytes) -> str:
    """A name as Python has it (Language Reference, 2.3)."""
    return unicodedata.normalize("NFKC", word.decode(errors="replace"))


def _parameters(args: ast.arguments) -> Iterator[ast.arg]:
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from filter(None, (args.vararg, args.kwarg))


def _outside(args: ast.arguments) -> Iterator[ast.AST]:
    """What belongs to a function's head and is evaluated around it."""
    yield from filter(None, (*args.defaults, *args.kw_defaults))
    yield from filter(None, (argument.annotation for argument in _parameters(args)))


def _declarations(body: Sequence[ast.AST]) -> Iterator[ast.Global | ast.Nonlocal]:
    """The `global` and `nonlocal` statements of a scope, not those of scopes in it."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield node
        elif not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            stack += ast.iter_child_nodes(node)
