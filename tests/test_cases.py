"""Golden cases: one text file each under `tests/cases/`, no Python needed to add one.

A case opens with comments and options, then has an input and what must come of it:

    # Why this case exists.
    # language: python          none if left out
    # answer: "rn x"            what the model wants in the next hole; one line per hole
    # tokens: ["return", " x"]  tokens beside the 256 single bytes
    # input
    def f(x):
        retu<FILL_ME>
    # output                    or "# error", then lines that the message must hold
    def f(x):
        return x

Further options: `newline: crlf`, `bom: yes` and `final-newline: no` say how the real file is
written (here it never is, so that no editor breaks it), `marker:`, `exact_length: no`,
`one_line: no`, `max_tokens:`, `grammar: none`, `holes: [[start, stop], …]` in bytes of the input
as it stands in the case.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from infill.canvas import Canvas, Slot
from infill.edit.holes import Hole
from infill.edit.settings import MARKER, Settings
from infill.edit.workbench import Workbench
from infill.errors import InfillError
from infill.limits import Limits
from infill.models.scripted import Scripted, byte_vocab
from infill.vocab import Vocab

CASES = Path(__file__).parent / "cases"
KNOWN = {
    "language",
    "grammar",
    "tokens",
    "newline",
    "bom",
    "final-newline",
    "marker",
    "exact_length",
    "one_line",
    "max_tokens",
    "holes",
}
CONTEXT = 4_096


@dataclass
class Case:
    options: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    input: str = ""
    output: str | None = None
    error: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Case:
        case = cls()
        header, rest = text.split("# input\n", 1)
        for line in header.splitlines():
            if found := re.fullmatch(r"# ([a-z_-]+): *(\S.*)", line):
                key, value = found.groups()
                if key == "answer":
                    case.answers.append(json.loads(value))
                elif key in KNOWN:
                    case.options[key] = value
                else:
                    raise ValueError(f"no such option: {key}")
            elif not line.startswith("# "):
                raise ValueError(f"not a header line: {line!r}")
        case.input, kind, end = re.split(r"^# (output|error)\n", rest, flags=re.MULTILINE)
        if kind == "output":
            case.output = end
        else:
            case.error = end.splitlines()
        return case

    @property
    def marker(self) -> str:
        return self.options.get("marker", MARKER)

    @property
    def spans(self) -> list[list[int]]:
        """The holes as byte spans of the input."""
        if "holes" in self.options:
            return json.loads(self.options["holes"])
        found = re.finditer(re.escape(self.marker.encode()), self.input.encode())
        return [list(match.span()) for match in found]

    def filled(self) -> bytes:
        """The input with the answers put in, as a model reads it: "\\n" and spaces."""
        data, done = b"", 0
        source = self.input.encode()
        for (start, stop), answer in zip(self.spans, self.answers, strict=True):
            data, done = data + source[done:start] + answer.encode(), stop
        text = self.on_disk((data + source[done:]).decode(errors="replace"), plain=True)
        return re.sub(r"(?m)^\t+", lambda tabs: "    " * len(tabs[0]), text).encode()

    def on_disk(self, text: str, *, plain: bool = False) -> str:
        """The text as the case wants the real file to be; `plain` without BOM and CRLF."""
        if self.options.get("final-newline") == "no":
            text = text.removesuffix("\n")
        if plain:
            return text
        if self.options.get("newline") == "crlf":
            text = text.replace("\n", "\r\n")
        return "\ufeff" * (self.options.get("bom") == "yes") + text

    def settings(self) -> Settings:
        return Settings(
            grammar=self.options.get("grammar"),
            marker=self.marker,
            exact_length=self.options.get("exact_length") != "no",
            one_line=self.options.get("one_line") != "no",
            max_tokens=int(self.options.get("max_tokens", "24")),
            limits=Limits(context=CONTEXT),
        )


def stretches(canvas: Canvas, vocab: Vocab) -> list[bytes]:
    """The given text before, between and after the regions."""
    texts, done = [], 0
    for start, stop in [*canvas.regions(), (len(canvas), len(canvas))]:
        texts.append(vocab.decode(canvas.ids[done:start].tolist()))
        done = stop
    return texts


def knowing(case: Case, vocab: Vocab, *, sure: float = 6.0):
    """A model that knows the filled text, and is sure of it where the number of slots is right."""
    wanted = case.filled()

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        logits[:, 0] = 1.0  # what it says where it knows nothing: a NUL, which no parser takes
        before, *others = stretches(canvas, vocab)
        at = len(before)
        for index, ((start, stop), after) in enumerate(zip(canvas.regions(), others, strict=True)):
            least = len(case.answers[index].encode()) if index < len(case.answers) else 0
            last = index == len(others) - 1
            end = len(wanted) - len(after) if last else wanted.find(after, at + least)
            tokens = vocab.encode(wanted[at : max(at, end)])
            if len(tokens) == stop - start:
                logits[range(start, stop), tokens] = sure
            elif len(tokens) < stop - start and case.options.get("exact_length") == "no":
                padding = [vocab.blank] * (stop - start - len(tokens))
                logits[range(start, stop), [*tokens, *padding]] = sure / 2
            at = end + len(after)
        return logits

    return script


def files() -> list[Path]:
    return sorted(CASES.glob("*.txt"))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_the_case_comes_out_as_written(path):
    case = Case.read(path.read_text(encoding="utf-8"))
    extra = [token.encode() for token in json.loads(case.options.get("tokens", "[]"))]
    vocab = byte_vocab(*extra)
    model = Scripted(vocab, knowing(case, vocab), context=CONTEXT)
    holes = None
    if "holes" in case.options:
        assert not {"bom", "newline"} & set(case.options)
        holes = [Hole(start, stop) for start, stop in case.spans]
    workbench = Workbench(model, case.settings())
    text = case.on_disk(case.input).encode()
    if case.output is None:
        assert case.error
        with pytest.raises(InfillError) as caught:
            workbench.fill(text, holes, language=case.options.get("language"), name=path.name)
        for line in case.error:
            assert line in str(caught.value)
    else:
        proposal = workbench.fill(text, holes, language=case.options.get("language"))
        assert case.on_disk(case.output).encode() == proposal.data


def test_there_are_cases_and_none_is_a_stray_file():
    assert len(files()) >= 20
    assert [] == [path.name for path in CASES.iterdir() if path.is_file() and path not in files()]


def test_a_given_slot_is_not_a_region_of_a_case():
    canvas = Canvas([97, 0, 98], [Slot.GIVEN, Slot.HOLE, Slot.GIVEN])
    assert [b"a", b"b"] == stretches(canvas, byte_vocab())


@pytest.mark.parametrize("header", ["# anwser: 1\n", "no comment\n"])
def test_a_misspelt_option_of_a_case_is_an_error(header):
    with pytest.raises(ValueError, match=r"no such option|not a header"):
        Case.read(f"{header}# input\nx\n# output\ny\n")
