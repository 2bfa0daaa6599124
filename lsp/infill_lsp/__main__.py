"""`python -m infill_lsp`: as `infill lsp`, over stdio."""

from __future__ import annotations

from infill_lsp.start import start

if __name__ == "__main__":
    start()
