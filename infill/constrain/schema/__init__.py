"""JSON Schema: a schema goes in, a grammar of the JSON texts that it admits comes out.

Begin with `compiling`. Keywords are read (`keywords`, `facets`, `reading`) into shapes of values
(`shapes`, `numbers`, `strings`), and those are written as rules over lexemes (`members`, `rules`).
All that leaves this room is a `Syntax`, as from `lark` and `regex`.

Must not know of lexers, parsers, vocabularies or canvases: not of `lexing`, nor of `engine`.
"""
