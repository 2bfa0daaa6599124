"""Count the lines, words and characters of text files, and show their commonest words.

    python first_fill.py README.md notes.txt --top 5

Three pieces are missing. `infill fill examples/first_fill.py` proposes them.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class Statistics:
    """What was counted in one file, or in several together."""

    def __init__(self, name):
        self.name = <FILL_ME>
        self.lines = 0
        self.characters = 0
        self.words = Counter()

    def count(self, text):
        """Count a text."""
        self.characters += len(text)
        for line in text.splitlines():
            self.lines += 1
            self.words.update(WORD.findall(line.lower()))

    def add(self, other):
        """Add what was counted elsewhere."""
        self.lines += other.lines
        self.characters += other.characters
        self.words.update(other.words)

    def row(self):
        """Return the figures as one row of a table."""
        return f"{self.lines:8}{self.words.total():8}{self.characters:8}  {self.name}"


def read_text(path):
    """Return the text of a file, or None with a message when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return None


def count_file(path):
    """Return the statistics of a file, or None when it cannot be read."""
    text = read_text(path)
    if text is None:
        return None
    result = Statistics(path)
    result.count(text)
    return <FILL_ME>


def longest_word(words):
    """Return the longest of the words, the first one if several are as long."""
    longest = ""
    for word in words:
        if len(word) > len(longest):
            longest = word
    return longest


def merge(name, parts):
    """Return the statistics of all the parts together."""
    result = Statistics(name)
    for part in parts:
        result.add(part)
    return <FILL_ME>


def main(arguments=None):
    """Count the files that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", help="text files in UTF-8")
    parser.add_argument("--top", type=int, default=3, help="how many common words to show")
    options = parser.parse_args(arguments)

    counted = [count_file(path) for path in options.files]
    found = [result for result in counted if result is not None]
    total = merge("total", found)
    print(f"{'lines':>8}{'words':>8}{'chars':>8}  file")
    for result in found:
        print(result.row())
    if len(found) > 1:
        print(total.row())
    print("longest word:", longest_word(total.words))
    for word, times in total.words.most_common(options.top):
        print(f"{times:8}  {word}")
    return 0 if len(found) == len(counted) else 1


if __name__ == "__main__":
    sys.exit(main())
