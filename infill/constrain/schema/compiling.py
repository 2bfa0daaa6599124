"""JSON Schema as a grammar: the JSON texts that a schema admits.

What the grammar admits, the schema admits. The other way round it is as strict as this:

* An object with at most five declared properties admits them in any order; a larger one in the
  order in which they are declared, with additional ones before, between and after. Each
  declared property comes at most once.
* Property names, constants and strings with conditions are spelled as `json.dumps` spells them
  with `ensure_ascii=False` (or with `\\/`); other strings may use every escape.
* `integer` means digits alone (no `1.0`, no `1e3`). Between bounds, numbers have an exponent only
  where it alone tells that they are within.
* A `pattern` is read as ECMA-262 and Python both read it (`\\d` means ASCII digits, `$` the very
  end). A `format` is held to, where draft 2020-12 leaves it open.
* `$ref` holds together with what stands beside it. Drafts 4 to 2020-12 are read alike.

Keywords that a grammar cannot hold to are refused by name, with their JSON pointer: among them
`contains`, `uniqueItems`, `unevaluatedProperties`, `oneOf` unless its branches exclude one
another, `not` and `if` unless they are simple, `minProperties` where a text could repeat a key to
reach it. Titles, defaults and other annotations are passed over. Knows nothing of vocabularies.

>>> syntax = compile_schema({"type": "array", "items": {"enum": ["a", 1]}, "minItems": 1})
>>> sorted(terminal.pattern for terminal in syntax.terminals if terminal.name.endswith("1"))
['"a"']
"""

from __future__ import annotations

import json
from typing import Final, Literal, NoReturn

from infill.constrain.schema.keywords import Json
from infill.constrain.schema.reading import Reader
from infill.constrain.schema.rules import Order, Writer, trimmed
from infill.constrain.syntax import Syntax, Terminal
from infill.errors import GrammarError, LimitError

SPACE: Final = Terminal("WS", "[ \\t\\n\\r]+")
ALWAYS_KEPT: Final = frozenset({"STRING", "NUMBER"})


def compile_schema(
    schema: Json,
    *,
    whitespace: Literal["any", "none"] = "any",
    order: Order = "auto",
    rules: int = 20_000,
) -> Syntax:
    """The grammar of the JSON texts that `schema` admits; `schema` is as `json.loads` gives it.

    whitespace  "any" between lexemes, as JSON has it, or "none"
    order       of declared properties: "any" (up to ten), "declared", "auto" (any up to five), or
                "loose": any, and optional ones may be repeated, as JSON itself allows
    rules       most rules; tables grow linearly with them

    The lexing is "all": a lexeme is every terminal that matches it, and `STRING` and `NUMBER`
    are there even where no rule uses them, so that lexemes are as long as JSON has them.

    Raises `GrammarError` for a keyword that cannot be held to, a schema that is not well formed,
    or one that admits nothing; `LimitError` where a bound or the whole is too large. `where` is
    the JSON pointer.
    """
    try:
        reader = Reader(schema)
        writer = Writer(reader, order=order)
        start = writer.value(reader.root)
        written = writer.write(limit=rules)
    except RecursionError:
        raise LimitError(
            "this JSON Schema is nested too deeply", hint="use $ref, and shorten its patterns"
        ) from None
    kept = trimmed(written, [terminal.name for terminal in writer.terminals.values()], start)
    if not kept:
        raise GrammarError(
            "this JSON Schema admits nothing",
            where="#",
            expected="at least one value",
            got="; ".join(dict.fromkeys(reader.conflicts)) or "a value that never ends",
            hint="relax one of the keywords that contradict each other",
        )
    used = ALWAYS_KEPT.union(*(rule.expansion for rule in kept))
    terminals = tuple(one for one in writer.terminals.values() if one.name in used)
    if whitespace == "none":
        return Syntax(terminals, tuple(kept), start, lexing="all")
    return Syntax((*terminals, SPACE), tuple(kept), start, frozenset({SPACE.name}), lexing="all")


def judge(text: str) -> str | None:
    """What the standard library's reader says is wrong with a text as JSON; None: nothing.

    >>> judge("[1]"), judge("[NaN]")
    (None, 'NaN is no number of JSON')
    """
    try:
        json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        return str(error)
    return None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
