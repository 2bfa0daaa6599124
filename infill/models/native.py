"""The library's own models: a folder of weights and tokenizer, as a denoiser.

Knows canvases and the tokenizer; the network and its files are `tiny.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
from infill.models.asked import FEWEST, Hidden
from infill.models.bytelevel import byte_of_letter
from infill.models.catalogue import INT8
from infill.models.denoiser import Capabilities
from infill.models.int8 import to_int8
from infill.models.tiny import WEIGHTS, TinyTransformer, load_model, require_both_sides
from infill.vocab import Vocab

Ids = NDArray[np.int64]
Places = NDArray[np.int64]
GRAIN = 16
"""Rows are padded to a multiple of so many slots: some share a forward, few slots are wasted."""
States = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Rows [N] on the CPU and places [N] on the model's device → hidden states [N, D]."""
GONE = -1  # where a filled blank would stand in what the model is shown


class TinyDenoiser:
    """A `TinyTransformer` with its tokenizer, answering for canvases.

    Rows of nearly one length share one forward and do not see each other; the head runs on the
    slots that are asked for and on no others.
    """

    def __init__(self, model: TinyTransformer, vocab: Vocab, card: Mapping[str, Any]) -> None:
        require_both_sides(model, card)
        self.model, self.vocab = model.eval(), vocab
        specials: Mapping[str, int] = card["specials"]
        bos = specials["<bos>"]
        tags = {language: specials[tag] for language, tag in card["languages"].items()}
        self.capabilities = Capabilities(
            name=card["name"],
            digest=card["sha256"][WEIGHTS],
            context=model.config.context,
            device=str(model.embed.device),
            shadow=True,
            prologues={"": (bos,)} | {language: (bos, tag) for language, tag in tags.items()},
        )

    @classmethod
    def from_folder(
        cls, folder: str | Path, *, device: str | None = None, int8: bool = False
    ) -> TinyDenoiser:
        """Load weights and tokenizer; CUDA when present, in fp32 everywhere else.

        On CPUs without bf16 instructions bf16 is 7 to 12 times slower than fp32. `int8` computes
        matrix products in 8 bits (`int8.py`), on the CPU.
        Raises WeightsError for files that are missing, damaged or not what was published, and
        OptionError for 8 bits elsewhere.
        """
        if int8 and device not in {None, "cpu"}:
            raise OptionError("8 bits are for the CPU", expected="cpu", got=str(device))
        fastest = "cuda" if torch.cuda.is_available() and not int8 else "cpu"
        where = torch.device(device or fastest)
        dtype = torch.bfloat16 if where.type == "cuda" else torch.float32
        model, card, tokenizer = load_model(Path(folder), dtype=dtype, device=where)
        if int8:
            model = to_int8(model)
            card["sha256"][WEIGHTS] += INT8  # another model: its results are others
        return cls(model, vocab_of(tokenizer, card["specials"], card.get("asks", ())), card)

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """One forward over all rows of one padded length; blanks are left out of a row.

        A row is padded to a length that depends on it alone, so its scores do not depend on what
        is beside it, to the bit where one thread computes. In training a blank was always masked,
        never seen: a filled one is nothing.
        """
        shown, places = self._shown(canvases)
        padded = np.array([self._padded(len(row)) for row in shown])
        index, batches = np.empty(len(shown), dtype=np.int64), list[Hidden]()
        lengths, batch_of = np.unique(padded, return_inverse=True)
        with torch.no_grad():
            for batch, length in enumerate(lengths.tolist()):
                members = np.flatnonzero(batch_of == batch)
                index[members] = np.arange(len(members))
                ids = self._stacked([shown[row] for row in members], length)
                batches.append(Hidden(self.model, self.model.stream(*ids)))

        def states(rows: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            own = torch.from_numpy(batch_of[rows.numpy()]).to(at.device)
            inside = torch.from_numpy(index[rows.numpy()]).to(at.device)
            if len(batches) == 1:
                return batches[0].at(inside, at)
            found = at.new_empty(len(at), self.model.config.width, dtype=self.model.embed.dtype)
            for batch, hidden in enumerate(batches):
                wanted = own == batch
                found[wanted] = hidden.at(inside[wanted], at[wanted])
            return found

        return self._scores(canvases, states, places)

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """As `Shadowing.shadowed`; see `TinyTransformer.shadowed` for what is approximate.

        Raises ModelError for a slot that was left blank: it has no place in the row.
        """
        shown, places = self._shown(canvases)
        ids, lengths = self._stacked(shown, max(1, *map(len, shown)))
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
        return self._scores(looks, lambda rows, at: states[rows.to(at.device), at], places)

    def _shown(self, canvases: Sequence[Canvas]) -> tuple[list[Ids], Places]:
        """The ids of each row, without blanks, and where each slot is in its row."""
        if not canvases:
            raise OptionError("no canvas was given", expected="one or more")
        rows, places = [], np.full((len(canvases), max(map(len, canvases))), GONE)
        for row, canvas in enumerate(canvases):
            kept = (canvas.slots != Slot.FILLED) | (canvas.ids != self.vocab.blank)
            shown = np.where(canvas.slots == Slot.HOLE, self.vocab.mask, canvas.ids)
            rows.append(shown[kept])
            places[row, : len(canvas)][kept] = np.arange(len(rows[-1]))
        return rows, places

    def _padded(self, length: int) -> int:
        """How long a row is made: only what is longer than the context is longer than that."""
        return max(1, length, min(-(-length // GRAIN) * GRAIN, self.model.config.context))

    def _stacked(self, rows: Sequence[Ids], length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows padded to a length, int64 [B, T], and how long each is [B]."""
        ids = np.full((len(rows), length), self.vocab.mask)
        for row, shown in enumerate(rows):
            ids[row, : len(shown)] = shown
        device = self.model.embed.device
        lengths = torch.from_numpy(np.array([len(row) for row in rows]))
        return torch.from_numpy(ids).to(device), lengths.to(device)

    def _scores(self, canvases: Sequence[Canvas], hidden: States, places: Places) -> Scores:
        """Logits of the slots that are asked for, which have their `places` in the model's rows."""
        device = self.model.embed.device

        def logits_at(rows: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            place = torch.from_numpy(_shown_only(places[rows.numpy(), at.numpy()]))
            with torch.no_grad():
                states = hidden(rows, place.to(device))
                missing = max(0, FEWEST - len(states)) if len(states) else 0
                states = torch.nn.functional.pad(states, (0, 0, 0, missing))
                return self.model.head(states)[: len(rows)]

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


def vocab_of(tokenizer_json: str, specials: Mapping[str, int], asks: Collection[str] = ()) -> Vocab:
    """The vocabulary of a byte-level BPE tokenizer, with its specials by name.

    asks   the specials that the model was trained to ask for lengths with: `<expand>`, or none
    """
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
        expand=specials["<expand>"] if "<expand>" in asks else None,
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
