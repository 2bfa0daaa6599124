"""Editing: from a text with holes to a proposal that was checked, and on to the file."""
