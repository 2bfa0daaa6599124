"""Denoisers: models that score every slot of a canvas at once."""
