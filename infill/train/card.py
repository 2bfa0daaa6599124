"""The card of a model: what it was trained on, for how long, and what was measured of it.

Only figures that a command produced go in; the text around them is here.

>>> percent(0.0512)
'5.1 %'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from infill.train.corpus import Pin

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

One hidden statement line inside a function ({lines} lines from {held} projects, indentation given,
no newline allowed, most confident token first, one token a step, no grammar, no search):

| filler | exact match | edit similarity | file still parses |
|---|---|---|---|
{fillers}

The standard error of an exact match is about {error} here. "Oracle length" knows how many tokens
the line had; "searched length" does not. The last two rows are trivial baselines over the same
training text. Told apart by the model's confidence, wrong visible tokens from right ones: AUC
{auc:.2f} (chance is 0.50; the wrong ones were drawn as in training).
"""


def render(
    config: Mapping[str, Any], figures: Mapping[str, Any], pins: Iterable[Pin], *, hardware: str,
    corpus: Mapping[str, int],
) -> str:  # fmt: skip
    """CARD.md from a model's config, the output of `evaluate`, and the size of the corpus.

    `corpus` has the number of training `files`, of `characters` and of `tokens` in them.
    """
    trained, pins = config["trained"], tuple(pins)
    used = [pin for pin in pins if pin.split == "train"]
    licences = Counter(pin.licence for pin in used).most_common()
    count = figures["lines"]
    best = max(row["exact_match"] for row in figures["infill"].values())
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
        lines=count,
        held=figures["projects"],
        fillers="\n".join(_filler_row(*item) for item in figures["infill"].items()),
        error=percent((max(best, 1 / count) * (1 - best) / count) ** 0.5),
        auc=figures["suspicion_auc"],
        expand="Pairs of masked tokens were trained to be asked for with `<expand>`."
        if "<expand>" in config["asks"]
        else "`<expand>` was not trained.",
    )


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.1f} %"


def _ratio_row(ratio: str, row: Mapping[str, float]) -> str:
    share = f"{100 * float(ratio):.0f} %"
    return f"| {share} | {row['nats']:.2f} | {percent(row['top1'])} | {row['tokens']:,} |"


def _filler_row(name: str, row: Mapping[str, float]) -> str:
    exact, parses = percent(row["exact_match"]), percent(row["parses"])
    return f"| {name} | {exact} | {row['edit_similarity']:.2f} | {parses} |"


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
