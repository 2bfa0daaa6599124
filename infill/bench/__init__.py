"""The quality bench: what fills, fixes and renames are worth, at a counted number of forwards.

Rooms: `sources` reads held-out projects, `programs` small functions of theirs; `gaps`, `humaneval`,
`mutate` and `rename` make items and judge outcomes; `methods`, `fixers` and `renamers` do them,
`controls` are models that must not; `metrics` are the measures; `tables` say what is run, `run`
runs it, `report` writes it down. Only the command line imports this package.

What keeps it honest: items come from projects that no model here was trained on and are drawn
with a seed that is chosen when the bench runs; forwards are counted around the model; what
selects a result never reports it; a uniform model and a copy model stand in the tables.
"""
