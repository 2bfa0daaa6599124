"""The library's own models: a folder of weights and tokenizer, as a denoiser.

Knows canvases and the tokenizer; the network and its files are `tiny.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from infill.canvas import Canvas, Slot
from infill.decode.candidates import Scores
from infill.decode.scores import LogitScores
from infill.errors import ModelError, OptionError
from infill.models.bytelevel import byte_of_letter
from infill.models.denoiser import Capabilities
from infill.models.tiny import TinyTransformer, load_model
from infill.vocab import Vocab

GONE = -1  # where a filled blank would stand in what the model is shown


class TinyDenoiser:
    """A `TinyTransformer` with its tokenizer, answering for canvases.

    Rows of different lengths share one forward and do not see each other; the head runs on the
    slots that are asked for and on no others.
    """

    def __init__(self, model: TinyTransformer, vocab: Vocab, card: Mapping[str, Any]) -> None:
        self.model, self.vocab = model.eval(), vocab
        specials: Mapping[str, int] = card["specials"]
        bos = specials["<bos>"]
        tags = {language: specials[tag] for language, tag in card["languages"].items()}
        self.capabilities = Capabilities(
            name=card["name"],
            digest=card["sha256"]["model.safetensors"],
            context=model.config.context,
            prologues={"": (bos,)} | {language: (bos, tag) for language, tag in tags.items()},
        )

    @classmethod
    def from_folder(cls, folder: str | Path, *, device: str | None = None) -> TinyDenoiser:
        """Load weights and tokenizer; CUDA when present, in fp32 everywhere else.

        On CPUs without bf16 instructions bf16 is 7 to 12 times slower than fp32.
        Raises WeightsError for files that are missing, damaged or not what was published.
        """
        where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = torch.bfloat16 if where.type == "cuda" else torch.float32
        model, card, tokenizer = load_model(Path(folder), dtype=dtype, device=where)
        return cls(model, vocab_of(tokenizer, card["specials"]), card)

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """One forward over all rows, padded to the longest; blanks are left out of a row.

        In training a blank was always masked, never seen: a filled one is nothing.
        """
        if not canvases:
            raise OptionError("no canvas was given", expected="one or more")
        blank = [(c.slots == Slot.FILLED) & (c.ids == self.vocab.blank) for c in canvases]
        lengths = np.array([(~row).sum() for row in blank])
        ids = np.full((len(canvases), max(1, lengths.max())), self.vocab.mask)
        places = np.full((len(canvases), max(map(len, canvases))), GONE)
        for row, (canvas, gone) in enumerate(zip(canvases, blank, strict=True)):
            shown = np.where(canvas.slots == Slot.HOLE, self.vocab.mask, canvas.ids)
            ids[row, : lengths[row]] = shown[~gone]
            places[row, : len(canvas)][~gone] = np.arange(lengths[row])
        device = self.model.embed.device
        with torch.no_grad():
            hidden = self.model.hidden(
                torch.from_numpy(ids).to(device), torch.from_numpy(lengths).to(device)
            )

        def logits_at(rows: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            place = torch.from_numpy(places)[rows, at]
            if (place == GONE).any():
                raise ModelError(
                    "a blank slot was asked for a score",
                    expected="a slot that renders to something, or a hole",
                    hint="this model is not shown what was left blank; reopen the slot first",
                )
            with torch.no_grad():
                return self.model.head(hidden[rows.to(device), place.to(device)])

        return LogitScores(self.vocab, canvases, logits_at)


def vocab_of(tokenizer_json: str, specials: Mapping[str, int]) -> Vocab:
    """The vocabulary of a byte-level BPE tokenizer, with its specials by name."""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.encode_special_tokens = True  # a text that says "<mask>" is only text
    letters = byte_of_letter()
    pieces = [b""] * tokenizer.get_vocab_size()
    for text, token in tokenizer.get_vocab().items():
        if text not in specials:
            pieces[token] = bytes(letters[letter] for letter in text)
    return Vocab(
        pieces,
        mask=specials["<mask>"],
        eos=specials["<eos>"],
        blank=specials["<del>"],
        specials=specials.values(),
        encoder=_encoder(tokenizer),
    )


def _encoder(tokenizer: Tokenizer) -> Callable[[bytes], Sequence[int]]:
    def encode(data: bytes) -> Sequence[int]:
        try:
            text = data.decode()
        except UnicodeDecodeError:  # a crop inside a character: greedy longest match serves
            return ()
        return tokenizer.encode(text, add_special_tokens=False).ids

    return encode
