"""The quality bench: what fills, fixes and renames are worth, at a counted number of forwards.

Rooms: `sources` reads held-out projects, `programs` small functions of theirs; `gaps`, `humaneval`,
`mutate` and `rename` make items and judge outcomes, `sandbox` (and in it `jail`) runs what was
filled; `methods`, `fixers` and `renamers` do them, `baselines` (with `ngram`) and `control` are
what a model must beat, `controls` are models that must not do them; `metrics` are the measures;
`tables` say what is run, `model` what of it and beside what for the model's card, `run` runs it,
`report` writes it down; `fixed` is a short look that tests take. Only the command line imports
this package.

What keeps it honest: items come from projects that no model here was trained on and are drawn
with a seed that is chosen when the bench runs; forwards are counted around the model; what
selects a result never reports it; a uniform model and a copy model stand in the tables.
"""
