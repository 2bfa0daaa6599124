"""Training of the embedded model: corpus, tokenizer, noise, loss, loop, evaluation.

Nothing in the library imports this package; `python -m infill.train --help` is its front door.
"""
