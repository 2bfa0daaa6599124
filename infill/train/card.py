"""The card of a model: what it was trained on, for how long, and what was measured of it.

Only figures that a command produced go in; the text around them is here.

>>> percent(0.0512)
'5.1 %'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from infill.errors import InputError
from infill.models.tiny import WEIGHTS
from infill.train.corpus import Pin
from infill.train.export import ASKS

UNMEASURED = "Its fills are not measured yet; `infill bench model` does it.\n"

_TEXT = """\
# {name}

A masked-diffusion model of Python source, trained from scratch for `infill`, so that the library
works offline on a laptop's CPU. It is small and was trained briefly: expect the shapes of Python,
short idioms and names from nearby, not algorithms. No figure here comes from another model's paper.

## Shape
{parameters:.2f} M parameters: {layers} layers of width {width}, {vocab:,} tokens of byte-level BPE,
context {context} tokens. Bidirectional; tied embedding; RoPE, RMSNorm, QK-norm, SwiGLU; each
token is mixed with its {mix} neighbours on either side. Stored in fp16, computed in fp32.

## Data
{projects} projects under permissive licences, whole versions pinned by sha256 in
`infill/train/corpus.toml`: {licences}. {kept}
Tests, vendored and generated code, tables, and files sharing a 10-token run with a HumanEval
problem were left out. Held out, never trained on: {heldout}.

## Training
{tokens:.1f} M tokens seen ({epochs:.2f} of the corpus) in {steps:,} steps and {minutes:.0f} minutes
of computing, on {hardware}. Plain cross-entropy on masked tokens; uniform masks 40 %, spans of
lines, syntax nodes and runs 40 %, occurrences of a name 10 %, corrupted visible tokens 10 %; Muon
and AdamW; the learning rate fell linearly to 0 over the last 40 %. `<del>` slots were scattered
over masked spans and always masked: the model has never *seen* a `<del>`. {expand}
`make weights` repeats it.

## Measured on the held-out projects
| masked | cross-entropy, nats per token | most likely token is right | tokens asked |
|---|---|---|---|
{ratios}

Told apart by the model's confidence, wrong visible tokens from right ones: AUC {auc:.2f} (chance is
0.50; the wrong ones were drawn as in training).

{tables}"""


def render(  # noqa: PLR0913 - each part of the card
    config: Mapping[str, Any], figures: Mapping[str, Any], pins: Iterable[Pin], *, hardware: str,
    corpus: Mapping[str, int], tables: Iterable[str],
) -> str:  # fmt: skip
    """CARD.md from a model's config and what was measured of it.

    figures  the output of `evaluate`
    corpus   the number of training `files`, of `characters` and of `tokens` in them
    tables   those of `infill bench model`, as it wrote them
    Raises InputError for a table of other weights.
    """
    trained, pins = config["trained"], tuple(pins)
    used = [pin for pin in pins if pin.split == "train"]
    licences = Counter(pin.licence for pin in used).most_common()
    return _TEXT.format(
        **(config["model"] | {"name": config["name"]}),
        parameters=config["parameters"] / 1e6,
        projects=len(used),
        licences=", ".join(f"{licence} ({n})" for licence, n in licences),
        kept=f"After filtering {corpus['files']:,} files, {corpus['characters'] / 1e6:.1f} M "
        f"characters, {corpus['tokens'] / 1e6:.2f} M tokens.",
        heldout=", ".join(pin.name for pin in pins if pin.split == "heldout"),
        tokens=trained["tokens"] / 1e6,
        epochs=trained["tokens"] / corpus["tokens"],
        steps=trained["steps"],
        minutes=trained["minutes"],
        hardware=hardware,
        ratios="\n".join(_ratio_row(*item) for item in figures["heldout"].items()),
        auc=figures["suspicion_auc"],
        expand="Pairs of masked tokens were trained to be asked for with `<expand>`."
        if "<expand>" in config.get(ASKS, ())
        else "`<expand>` was not trained.",
        tables="\n".join(_section(table, config["sha256"][WEIGHTS]) for table in tables)
        or UNMEASURED,
    )


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.1f} %"


def _ratio_row(ratio: str, row: Mapping[str, float]) -> str:
    share = f"{100 * float(ratio):.0f} %"
    return f"| {share} | {row['nats']:.2f} | {percent(row['top1'])} | {row['tokens']:,} |"


_OWN = """\
# {name}

A masked-diffusion model of Python, {how} with `infill train` on one user's own code, which decides
what may be done with it. All figures were measured by that run.

## Shape and training
{parameters:.2f} M parameters. {seen:.2f} M tokens seen ({epochs:.1f} passes over {unique:.3f} M
unique ones) in {steps:,} steps and {minutes:.1f} minutes of computing{early}. The weights are those
with the lowest loss on the held-out files.

## Measured on the held-out files
Cross-entropy in nats per token, and how often the most likely token is right.

| masked | before | after | right before | right after |
|---|---|---|---|---|
{rows}
"""
_HOW = {
    "fine-tuned": "fine-tuned",
    "adapters": "fine-tuned by low-rank adapters (merged)",
    "from scratch": "trained from scratch",
}


def own_card(name: str, outcome: Mapping[str, Any]) -> str:
    """CARD.md of a user's model, from the fields of a `session.Outcome`."""
    before, after = outcome["before"], outcome["after"]
    return _OWN.format(
        name=name,
        how=_HOW[outcome["method"]],
        parameters=outcome["parameters"] / 1e6,
        seen=outcome["tokens"] / 1e6,
        epochs=outcome["epochs"],
        unique=outcome["unique"] / 1e6,
        steps=outcome["steps"],
        minutes=outcome["minutes"],
        early=", ended early" if outcome["early"] else "",
        rows="\n".join(
            f"| {percent(float(ratio))} | {before[ratio]['nats']:.2f} | {row['nats']:.2f} "
            f"| {percent(before[ratio]['top1'])} | {percent(row['top1'])} |"
            for ratio, row in after.items()
        ),
    )


def is_of(table: str, digest: str) -> bool:
    """Whether a table of the bench is of the weights of this sha256."""
    return digest[:12] in table


def _section(table: str, digest: str) -> str:
    """A table of the bench as a part of the card."""
    if not is_of(table, digest):
        raise InputError(
            "a table is of other weights",
            where=table.partition("\n")[0].strip("# "),
            expected=f"model {digest[:12]}",
            hint="run `infill bench model` again",
        )
    return f"#{table}"
