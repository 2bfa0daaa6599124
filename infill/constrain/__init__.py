"""Constraints: what may still be written, so that the whole can be completed."""
