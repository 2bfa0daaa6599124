"""What a trace says of an attempt before its first step: enough to run it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from infill.decode.trace import Header, texts_of
from infill.edit.holes import Hole
from infill.edit.judging import Judge
from infill.edit.settings import Settings
from infill.edit.window import Window
from infill.models.denoiser import Denoiser


def heading(  # noqa: PLR0913, PLR0917 - all that an attempt is made of
    denoiser: Denoiser,
    settings: Settings,
    judge: Judge,
    window: Window,
    holes: Sequence[Hole],
    attempt: int,
) -> Header:
    """The header of one window's trace; `holes` are the window's."""
    model, vocab = denoiser.capabilities, denoiser.vocab
    return Header(
        canvas=window.canvas,
        texts=texts_of(window.canvas, vocab),
        model={"name": model.name, "digest": model.digest, "tokenizer": vocab.digest},
        grammar=None if judge.rule is None else judge.rule.grammar.name,
        language=judge.language,
        path=judge.source.name,
        holes=tuple((hole.start, hole.stop) for hole in holes),
        attempt=attempt,
        seed=settings.seed,
        settings=_plain(settings),
    )


def _plain(settings: Settings) -> dict[str, Any]:
    """The settings as JSON: numbers and texts as they are, objects as they print."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    values.pop("grammar")  # the header names the one that was found
    return {
        name: value if isinstance(value, int | str) else repr(value)
        for name, value in values.items()
    }
