"""The work of `infill grammar`: read the file, ask, and say it with lines and columns."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

import infill
from infill.cli.exits import Exit
from infill.cli.output import note, printable
from infill.cli.request import STDIN, STDIN_NAME
from infill.constrain.grammar import Grammar
from infill.edit.explain import Conflict, Place, Reading
from infill.edit.files import open_file
from infill.edit.grammars import BY_SUFFIX, NONE, chosen, constraint, names
from infill.edit.holes import Hole
from infill.edit.holes import checked as in_order
from infill.edit.verify import SUFFIXES
from infill.edit.window import Framing
from infill.errors import OptionError
from infill.limits import DEFAULT
from infill.models.denoiser import Denoiser
from infill.text import Source, Span
from infill.vocab import unpack

LONGEST = 60
"""Characters of text to quote."""


def listed() -> Exit:
    """Print the names, and for which files they are taken."""
    found = names()
    width = max(map(len, found))
    for name in found:
        suffixes = ", ".join(suffix for suffix, of in BY_SUFFIX.items() if of == name)
        click.echo(f"{name:{width}}  {suffixes}".rstrip())
    return Exit.DONE


def checked(path: str, grammar: str | None, marker: str) -> Exit:
    """Print what each hole can hold; a text without holes is a text of the grammar or none."""
    reading = _reading(path, grammar, marker)
    places = reading.places()
    if places is None:
        note(f"{reading.source.name}: no text of the grammar {reading.grammar.name} fits")
        note("  try: infill grammar explain, with the same arguments")
        return Exit.NO
    if not places:
        click.echo(f"{reading.source.name}: a text of the grammar {reading.grammar.name}")
    for place in places:
        click.echo(_placed(reading.source, place))
    return Exit.DONE


def _placed(source: Source, place: Place) -> str:
    where = _position(source, place.hole.start)
    example = _quoted(place.example.decode(errors="replace"))
    if not place.least:
        return f"{where}: the hole may be empty"
    size = f"{place.least} byte{'s' * (place.least > 1)}"
    return f"{where}: the hole takes {size} or more, for instance {example}"


def explained(path: str, grammar: str | None, marker: str) -> Exit:
    """Print both ends of the conflict."""
    reading = _reading(path, grammar, marker)
    conflict = reading.conflict()
    if conflict is None:
        click.echo(f"{reading.source.name}: it can be completed in {reading.grammar.name}")
        return Exit.DONE
    for line in _told(reading, conflict):
        click.echo(line)
    return Exit.NO


def _told(reading: Reading, conflict: Conflict) -> list[str]:
    source, name = reading.source, reading.grammar.name
    cause, effect = conflict.cause, conflict.effect
    end = _position(source, effect.start)
    if not len(effect):
        return [
            f"{end}: the text ends before it is a text of the grammar {name}",
            "  try: write the marker <FILL_ME> where something is missing, for instance here",
        ]
    what = _quoted(_text(source, effect))
    if cause == effect or not len(cause):
        return [f"{end}: {what} cannot stand here in {name}, whatever is around it"]
    if cause.start == 0 and cause.stop == effect.start:
        return [f"{end}: {what} cannot stand here in {name}, after all that is before it"]
    why = f"because of {_quoted(_text(source, cause))}, whatever is before that"
    return [
        f"{end}: {what} cannot stand here in {name}",
        f"{_position(source, cause.start)}: {why}",
        f"  between them: {_quoted(_text(source, Span(cause.start, effect.stop)))}",
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The command line of `infill grammar allowed`."""

    path: str
    grammar: str | None
    marker: str
    at: str
    top: int
    max_tokens: int
    model: str


def answered(question: Question) -> Exit:
    """Print the tokens of one slot."""
    reading = _reading(question.path, question.grammar, question.marker)
    number, slot = _slot(question, len(reading.holes))
    tokens = _tokens(question, reading, infill.load(question.model), number, slot)
    if tokens is None:
        note(f"{reading.source.name}: no text of the grammar {reading.grammar.name} fits")
        note("  try: infill grammar explain, with the same file")
        return Exit.NO
    listing, count = tokens
    for text, logp in listing:
        click.echo(f"{logp:7.2f}  {text}")
    if count > len(listing):
        note(f"and {count - len(listing)} more; --top lists more of them")
    return Exit.DONE


def _tokens(
    question: Question, reading: Reading, denoiser: Denoiser, number: int, slot: int
) -> tuple[list[tuple[str, float]], int] | None:
    """The likeliest tokens that may stand there, and how many there are in all."""
    vocab, name = denoiser.vocab, reading.source.name
    framing = Framing(
        denoiser,
        reading.source,
        reading.holes,
        SUFFIXES.get(Path(name).suffix.lower()),
        min(DEFAULT.context, denoiser.capabilities.context),
        exact_length=False,
        grammar=constraint(reading.grammar, vocab, DEFAULT),
    )
    sizes = [question.max_tokens] * len(reading.holes)
    (group,) = [group for group in framing.groups(sizes) if number in group]
    stand_ins = framing.whole.witness(constraint(reading.grammar, vocab, DEFAULT), sizes)
    if stand_ins is None:
        return None
    open_ = [None] * len(sizes)
    window = framing.window(group, [sizes[i] for i in group], open_, stand_ins=stand_ins)
    state = window.constraint.start(window.canvas)
    if state is None:
        return None
    start, stop = window.canvas.between(window.anchors[number - group.start])
    at = min(start + slot, stop - 1)
    mask = state.allowed(at)
    fits = unpack(mask, len(vocab))
    top = denoiser([window.canvas])[0].top(at, question.top, mask)
    logps = zip(top.tokens.tolist(), top.logps.tolist(), strict=True)
    shown = [(_token(vocab.token_bytes(t), blank=t == vocab.blank), logp) for t, logp in logps]
    return shown, int(np.count_nonzero(fits))


def _token(data: bytes, *, blank: bool) -> str:
    return "nothing more" if blank else _quoted(data.decode("utf-8", "backslashreplace"))


def _slot(question: Question, holes: int) -> tuple[int, int]:
    """The hole and the slot, counted from 0. Raises OptionError."""
    found = re.fullmatch(r"(\d+)(?::(\d+))?", question.at)
    numbers = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
    if not 1 <= numbers[0] <= holes or not 1 <= numbers[1] <= question.max_tokens:
        raise OptionError(
            "there is no such place",
            where="--at",
            expected=f"HOLE[:SLOT], a hole from 1 to {holes}, a slot from 1 to "
            f"{question.max_tokens} (--max-tokens)",
            got=question.at,
        )
    return numbers[0] - 1, numbers[1] - 1


def _reading(path: str, grammar: str | None, marker: str) -> Reading:
    """The file and its grammar; a file may have no hole."""
    if path == STDIN:
        source = Source.of(sys.stdin.buffer.read(DEFAULT.text + 1), STDIN_NAME)
    else:
        source = open_file(Path(path)).source
    found = [m.span() for m in re.finditer(re.escape(marker.encode()), source.data)]
    holes = in_order(source, [Hole(*span) for span in found], DEFAULT) if found else ()
    return Reading(source, holes, _grammar(path, grammar))


def _grammar(path: str, choice: str | None) -> Grammar:
    by_suffix = BY_SUFFIX.get(Path(path).suffix.lower())
    if choice == NONE or (choice is None and by_suffix is None):
        raise OptionError(
            "the grammar is not known",
            where=path,
            expected=f"--grammar, or a file that ends in {', '.join(sorted(BY_SUFFIX))}",
            hint=f"name one of {', '.join(names())}, or a .lark or .schema.json file",
        )
    grammar = chosen(by_suffix if choice is None else choice, None)
    if grammar is None:
        raise AssertionError("only none is no grammar")
    return grammar


def _position(source: Source, offset: int) -> str:
    at = source.position(offset)
    return f"{source.name}:{at.line}:{at.column}"


def _text(source: Source, span: Span) -> str:
    return source.data[span.start : span.stop].decode(errors="replace")


def _quoted(text: str) -> str:
    """The text in quotes, on one line, its middle left out where it is long."""
    shown = printable(text.replace("\n", "\\n").replace("\t", "\\t"))
    if len(shown) > LONGEST:
        shown = f"{shown[: LONGEST // 2]}…{shown[-LONGEST // 2 :]}"
    return f'"{shown}"'
