"""A trained model as a folder that everything can load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infill.models.tiny import TinyTransformer, save_model
from infill.train.presets import RunConfig
from infill.train.tokenizer import LANGUAGES, SPECIALS, Codec

ASKS = "asks"
"""In a model's config: the specials that it asks for other lengths with."""


def export(  # noqa: PLR0913 - what a folder says
    model: TinyTransformer, codec: Codec, folder: Path, *, name: str, config: RunConfig,
    trained: dict[str, Any],
) -> None:  # fmt: skip
    """Write model.safetensors (fp16), config.json and tokenizer.json.

    `trained` says for how long: tokens, steps, minutes, and what else is known. `<expand>` is named
    as something the model asks for only where the noise of the run had it.
    """
    extra = {
        "name": name,
        "specials": {special: index for index, special in enumerate(SPECIALS)},
        "languages": {"python": LANGUAGES["python"]},
        ASKS: ["<expand>"] if config.full.expansions else [],
        "trained": trained,
    }
    save_model(model, codec.json, folder, extra=extra)
