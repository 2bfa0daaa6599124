"""The settings of the command line, of files and of the language server: one typed schema.

`schema` says which there are, and `rules` what each must be; `files` and `environment` read them,
and `trust` knows which of a repository's files may say what runs.
"""
