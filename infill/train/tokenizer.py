"""The tokenizer: byte-level BPE that respects lines and names, and what its tokens are.

Newline plus indentation is one token, digits are single, snake_case splits at the underscore and
no token crosses the start of a line, so that a line of code is a run of whole tokens. The 32
specials hold the ids 0…31 as plain vocabulary entries that no merge can reach: source text that
spells `<mask>` stays text. Nothing here knows tensors or noise.

>>> LANGUAGES["python"], SPECIALS[:6]
('<lang:py>', ('<pad>', '<mask>', '<del>', '<expand>', '<bos>', '<eos>'))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from infill.models.bytelevel import byte_of_letter

PATTERN = r"\n+[ ]*| ?_*[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9_]+| ?_+|[ \t]+|\s+"
LANGUAGES = {
    "python": "<lang:py>",
    "json": "<lang:json>",
    "javascript": "<lang:js>",
    "typescript": "<lang:ts>",
}
SPECIALS = (
    "<pad>", "<mask>", "<del>", "<expand>", "<bos>", "<eos>", *LANGUAGES.values(), "<edit>",
    *(f"<reserved:{i}>" for i in range(11, 32)),
)  # fmt: skip


class Special(IntEnum):
    """The ids that the training code names."""

    PAD = 0
    MASK = 1
    DEL = 2
    EXPAND = 3
    BOS = 4
    EOS = 5
    PYTHON = 6
    PREFIX = 11  # the last three are the autoregressive control's, and reserved for all others
    SUFFIX = 12
    MIDDLE = 13


class Kind(IntEnum):
    """What a token looks like; a corrupted token is replaced by one of its own kind."""

    SPECIAL = 0
    NEWLINE = 1
    WORD = 2
    DIGIT = 3
    SIGN = 4
    BLANK = 5


def is_special(ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which ids are specials; they are never masked, replaced or asked for."""
    return ids < len(SPECIALS)


def learn(texts: Iterable[str], *, size: int = 8192) -> str:
    """Train on `texts` and return the tokenizer as JSON, `size` entries with the specials.

    All 256 bytes are in, so every text can be encoded.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    parsed = json.loads(tokenizer.to_str())
    parsed["added_tokens"] = []  # or "<mask>" in a source file would become the mask itself
    return json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Codec:
    """A tokenizer from its JSON, with its tokens as bytes.

    >>> codec = Codec(learn(["def f(x):\\n    return x\\n"] * 9, size=300))
    >>> codec.decode(codec.encode("def f(y): <mask>\\n"))
    'def f(y): <mask>\\n'
    """

    json: str

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The compiled tokenizer."""
        return Tokenizer.from_str(self.json)

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """The bytes of each id; specials have none."""
        table = byte_of_letter()
        letters = sorted(self.tokenizer.get_vocab().items(), key=lambda item: item[1])
        return tuple(
            b"" if index < len(SPECIALS) else bytes(table[letter] for letter in token)
            for token, index in letters
        )

    @cached_property
    def kinds(self) -> NDArray[np.int8]:
        """The `Kind` of each id, int8 [V]."""
        return np.array([_kind(token) for token in self.token_bytes], dtype=np.int8)

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Bytes per id, int32 [V]."""
        return np.array([len(token) for token in self.token_bytes], dtype=np.int32)

    def encode(self, text: str) -> list[int]:
        """Ids of a text; never a special."""
        return self.tokenizer.encode(text).ids

    def encode_many(self, texts: list[str]) -> Iterator[list[int]]:
        """The same, with all cores."""
        return (encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts))

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; specials render to nothing, broken UTF-8 to U+FFFD."""
        return b"".join(self.token_bytes[i] for i in ids).decode("utf-8", errors="replace")


def _kind(token: bytes) -> Kind:
    body = token.strip(b" ")
    if not token:
        return Kind.SPECIAL
    if token.startswith(b"\n"):
        return Kind.NEWLINE
    if body.isdigit():
        return Kind.DIGIT
    if body and (body.strip(b"_").isalpha() or not body.strip(b"_")) and body.isascii():
        return Kind.WORD
    return Kind.SIGN if body.strip() else Kind.BLANK
