"""Lexing: from bytes to terminals, and from the tokens of a vocabulary to classes of them.

Begin with `transducer`: what all terminals of a grammar are made into. `codepoints`, `patterns`,
`scanner`, `following` and `composing` lead up to it, in this order; `modes`, `twins` and `tokens`
make of it what a vocabulary does to a lexer.

Must not know of stacks, lattices or canvases, nor where a grammar came from: it reads a `Syntax`.
Two modules ask `engine`: `modes` which terminals the states of its tables accept together, and
`tokens` the compiled library, whose oracle it is.
"""
