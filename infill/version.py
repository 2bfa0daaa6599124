"""The version, said once: packaging and the language server read it here."""

VERSION = "0.1.0"
