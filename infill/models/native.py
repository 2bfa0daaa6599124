"""The library's own models: a folder of weights and tokenizer, as a denoiser.

Knows canvases and the tokenizer; the network and its files are `tiny.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from infill.canvas import Canvas, Positions, Slot
from infill.decode.candidates import Scores
from infill.decode.scores import LogitScores
from infill.errors import ModelError, OptionError
from infill.models.asked import Hidden
from infill.models.bytelevel import byte_of_letter
from infill.models.denoiser import Capabilities
from infill.models.tiny import TinyTransformer, load_model
from infill.vocab import Vocab

Places = NDArray[np.int64]
States = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Rows [N] and places [N] → hidden states [N, D]."""
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
            device=str(model.embed.device),
            shadow=True,
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
        ids, lengths, places = self._shown(canvases)
        with torch.no_grad():
            hidden = Hidden(self.model, self.model.stream(ids, lengths))
        return self._scores(canvases, hidden.at, places)

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """As `Shadowing.shadowed`; see `TinyTransformer.shadowed` for what is approximate.

        Raises ModelError for a slot that was left blank: it has no place in the row.
        """
        ids, lengths, places = self._shown(canvases)
        shadows, looks = np.zeros((len(canvases), max(1, *map(len, at))), dtype=np.int64), []
        for row, (canvas, slots) in enumerate(zip(canvases, at, strict=True)):
            shadows[row, : len(slots)] = _shown_only(places[row, slots])
            places[row, slots] = ids.shape[1] + np.arange(len(slots))
            hidden_slots = canvas.slots.copy()
            hidden_slots[slots] = Slot.HOLE
            looks.append(Canvas(canvas.ids, hidden_slots))
        with torch.no_grad():
            beside = torch.from_numpy(shadows).to(ids.device)
            hidden = self.model.shadowed(ids, beside, self.vocab.mask, lengths)
        states = torch.cat(hidden, 1)
        return self._scores(looks, lambda rows, at: states[rows, at], places)

    def _shown(self, canvases: Sequence[Canvas]) -> tuple[torch.Tensor, torch.Tensor, Places]:
        """The ids of each row, padded, how many they are, and where each slot is in its row."""
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
        return torch.from_numpy(ids).to(device), torch.from_numpy(lengths).to(device), places

    def _scores(self, canvases: Sequence[Canvas], hidden: States, places: Places) -> Scores:
        """Logits of the slots that are asked for, which have their `places` in the model's rows."""
        device = self.model.embed.device

        def logits_at(rows: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            place = torch.from_numpy(_shown_only(places[rows.numpy(), at.numpy()]))
            with torch.no_grad():
                return self.model.head(hidden(rows.to(device), place.to(device)))

        return LogitScores(self.vocab, canvases, logits_at)


def _shown_only(places: Places) -> Places:
    """The places, if they all are some."""
    if (places == GONE).any():
        raise ModelError(
            "a blank slot was asked for a score",
            expected="a slot that renders to something, or a hole",
            hint="this model is not shown what was left blank; reopen the slot first",
        )
    return places


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
