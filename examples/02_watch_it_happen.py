"""Follow a fill step by step; to cancel it, stop iterating."""

import infill

TEXT = """\
def longest(words):
    best = ""
    for word in <FILL_ME>:
        if len(word) > len(best):
            best = word
    return best
"""

bench = infill.Workbench(infill.load(), infill.Settings(seed=1, tries=4))
try:
    for frame in bench.stream(TEXT, language="python", name="longest.py"):
        settled = [fill.decode(errors="replace") for fill in frame.window.fills(frame.canvas)]
        print(f"attempt {frame.attempt} tick {frame.tick}: {settled}")
        if frame.proposal is not None:
            print(frame.proposal.text)
except infill.InfillError as error:
    print(error)
