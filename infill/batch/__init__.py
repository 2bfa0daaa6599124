"""Work on many texts: planned, performed beside each other, kept, and delivered safely.

`task` is one text to work on and what comes of it, as plain data; `perform` is what a model makes
of it; `engines` are where that happens: this process, several, a cluster. `walk` and `select` say
which files and which places in them; the `journal` has what was planned, done and written.
"""
