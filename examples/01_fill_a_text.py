"""Fill two holes of one text jointly, and look at what came out."""

import infill

TEXT = """\
def area(width, height):
    return <FILL_ME>


def perimeter(width, height):
    return <FILL_ME>
"""

try:
    proposal = infill.fill(TEXT, language="python")
except infill.InfillError as error:
    print(error)  # what, where, expected, got, and what to try
else:
    print(proposal.diff("shapes.py"))
    for hole in proposal.holes:
        print(f"{hole.score:7.2f} nats a token   {hole.text!r}")
