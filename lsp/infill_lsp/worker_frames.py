"""Frames as an editor shows them: the slots of a hole, without the user's own text beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from infill.canvas import Slot
from infill.decode.trace import shown, texts_of
from infill.edit.workbench import Frame
from infill_lsp.messages import Token


def region(frame: Frame, number: int) -> Iterator[Token]:
    """The slots of a hole as they are."""
    canvas, window = frame.canvas, frame.window
    texts = texts_of(canvas, window.vocab)
    tokens = [
        Token("", "hole")
        if canvas.slots[at] == Slot.HOLE
        else Token(whole(texts[at]), "filled", round(float(canvas.logps[at]), 3))
        for at in range(*canvas.between(window.anchors[number]))
    ]
    prefix, suffix = (whole(shown(part)) for part in window.affixes[number])
    return _own(tokens, prefix, suffix)


def whole(text: str) -> str:
    """A token's text, U+FFFD for what is only a part of a character: clients refuse halves."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _own(tokens: Sequence[Token], prefix: str, suffix: str) -> Iterator[Token]:
    """A hole's tokens without the user's own text beside it, as far as that is written already."""
    whole = "".join(token.text for token in tokens)
    left = prefix if whole.startswith(prefix) and _settled(tokens, len(prefix)) else ""
    tokens = list(_without(tokens, len(left)))
    back = [replace(token, text=token.text[::-1]) for token in reversed(tokens)]
    right = suffix if whole.endswith(suffix) and _settled(back, len(suffix)) else ""
    for token in reversed(list(_without(back, len(right)))):
        yield replace(token, text=token.text[::-1])


def _settled(tokens: Sequence[Token], count: int) -> bool:
    """Whether the first characters are written, with no open slot between."""
    for token in tokens:
        if count <= 0:
            return True
        if token.slot == "hole":
            return False
        count -= len(token.text)
    return count <= 0


def _without(tokens: Sequence[Token], count: int) -> Iterator[Token]:
    """The tokens without their first characters."""
    for token in tokens:
        cut = min(count, len(token.text))
        count -= cut
        if token.slot == "hole" or cut < len(token.text):
            yield replace(token, text=token.text[cut:])
