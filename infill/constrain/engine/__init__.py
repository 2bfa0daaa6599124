"""The engine: which tokens may stand in the slots of a text, by the stacks that can lead there.

Begin with `lattice`. Below it are the parser (`tables`, `stacks`) and how lexemes are written on
its stacks (`writing`); `search` says how far it looks. `core` is the lattice in C, by the library
that `compiled` loads (`_core.c`, `_tokens.c`). `packed` is what both are made from, and `kept`
keeps it on disk.

Must not know of `Canvas`, moves or constraints, which are `grammatical`'s business, nor of how a
grammar was written: here it is a `Syntax` (one that Lark made, `kept` keeps by Lark's version).
"""
