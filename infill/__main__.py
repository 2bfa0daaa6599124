"""`python -m infill` is `infill`."""

from infill.cli import main

main(prog_name="infill")
