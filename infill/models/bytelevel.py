"""How byte-level BPE writes bytes: GPT-2's table of printable letters (Radford et al. 2019)."""

from __future__ import annotations


def byte_of_letter() -> dict[str, int]:
    """The inverse of GPT-2's table, which gives each byte a printable letter.

    >>> bytes(map(byte_of_letter().get, "ĠdefĊ"))
    b' def\\n'
    """
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in set(plain)]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}
