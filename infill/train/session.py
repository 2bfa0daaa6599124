"""A user's run: their code and a model in, a model folder out, and what it gained.

    DIR/                     the best model so far, as `--model DIR` takes it, and its CARD.md
    DIR/training/            what a run needs to go on: tokenizer, both sides of the code as
                             tokens, checkpoint, log

A checkpoint names the sha256 of the other files, so that a run never goes on with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from infill.errors import InputError, OptionError
from infill.models.tiny import TinyTransformer, load_model, require_both_sides
from infill.train import checkpoint
from infill.train.card import own_card
from infill.train.corpus import File
from infill.train.corrupt import EARLY, FULL
from infill.train.evaluate import RATIOS, nats_by_ratio
from infill.train.export import ASKS, export
from infill.train.loop import Clock, Report, Trainer, Watching, by_minutes, by_steps, train
from infill.train.memory import parameters, require
from infill.train.optim import OptimConfig
from infill.train.parallel import Team
from infill.train.presets import RunConfig, tiny_config
from infill.train.project import split
from infill.train.stream import Stream, tokenise
from infill.train.tokenizer import SPECIALS, Codec, learn

WINDOWS = 32
LEAST = 64
"""Tokens that the held-out side must have."""
RATES = {"fine-tuned": 1e-3, "adapters": 1.5e-2, "from scratch": 6e-3}
"""Of Muon, or three times AdamW's where there is no Muon."""
CACHE = ("tokenizer.json", "train.npz", "heldout.npz")
Kind = Literal["minutes", "epochs", "steps"]
Length = tuple[Kind, float]
Figures = dict[str, dict[str, float]]
"""Per mask ratio: nats per token, share of right first choices, tokens asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user asks for.

    base      the folder of the model to go on from; None starts from scratch
    shape     from scratch: width, layers and context
    length    how long: minutes, or passes over the code, or steps
    rate      of Muon; None is one that fits the method
    """

    out: Path
    base: Path | None
    shape: tuple[int, int, int] = (256, 4, 256)
    lora: int = 0
    length: Length = ("epochs", 10.0)
    patience: int = 5
    tokens: int = 4096
    rate: float | None = None
    seed: int = 0
    bf16: bool = False
    fsdp: bool = False
    resume: bool = False
    every: float = 120.0

    @property
    def method(self) -> str:
        """How the model is made."""
        return "from scratch" if self.base is None else "adapters" if self.lora else "fine-tuned"

    @property
    def folder(self) -> Path:
        """Where the run is kept."""
        return self.out / "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run that can begin: its model (None is drawn), code as tokens, and all that decides it."""

    codec: Codec
    train: Stream
    heldout: Stream
    config: RunConfig
    model: TinyTransformer | None
    notes: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run; figures are of the held-out files, before, and of the exported model."""

    before: Figures
    after: Figures
    tokens: int
    epochs: float
    steps: int
    minutes: float
    early: bool
    unique: int
    parameters: int
    method: str


def prepare(wanted: Wanted, files: Sequence[File]) -> None:
    """Write what a run needs to `training/`. Raises InputError for what cannot be trained on."""
    folder = wanted.folder
    if (folder / "checkpoint.pt").exists():
        raise InputError(
            "a run is kept here already", where=str(folder),
            hint="go on with it by --resume, or name another --out",
        )  # fmt: skip
    sides = split(files, seed=wanted.seed)
    if wanted.base is None:
        size = sum(len(file.text) for file in sides[0])
        # a large vocabulary would learn a little code by heart: about 250 characters an entry
        tokenizer = learn(
            (f.text for f in sides[0]), size=min(8192, max(512, size // 256 // 64 * 64))
        )
    else:
        tokenizer = load_model(wanted.base)[2]
    codec = Codec(tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    for name, side in zip(CACHE[1:], sides, strict=True):
        tokenise(side, codec).save(folder / name)


def ready(wanted: Wanted, team: Team) -> Ready:
    """Read what `prepare` wrote, and the model.

    Raises InputError, ModelError, OptionError, LimitError.
    """
    folder = wanted.folder
    if wanted.resume:
        checkpoint.require_noted(checkpoint.read(folder / "checkpoint.pt"), folder, CACHE)
    codec = Codec((folder / "tokenizer.json").read_text(encoding="utf-8"))
    sides = [Stream.load(folder / name) for name in CACHE[1:]]
    model, asks = None, ["<expand>"]
    if wanted.base is None:
        width, layers, context = wanted.shape
        shape = tiny_config(width, layers, codec.tokenizer.get_vocab_size(), context)
    else:
        model, card, own = load_model(wanted.base)
        require_both_sides(model, card)
        require_own_tokenizer(model, card, own, codec, wanted.base)
        shape, asks = model.config, card.get(ASKS, [])
    full = FULL if "<expand>" in asks else replace(FULL, expansions=0.0)
    rate = wanted.rate or RATES[wanted.method]
    config = RunConfig(
        model=shape, tokens=wanted.tokens, bf16=wanted.bf16, seed=wanted.seed, lora=wanted.lora,
        optim=OptimConfig(muon_lr=rate, adam_lr=rate / 3),
        early=EARLY if model is None else full, full=full,
    )  # fmt: skip
    _require_sizes(sides, config, team)
    require(config, team.device, size=team.size)
    notes = {"sha256": checkpoint.noted(folder, CACHE)}
    return Ready(
        codec=codec, train=sides[0], heldout=sides[1], config=config, model=model, notes=notes
    )


def require_own_tokenizer(
    model: TinyTransformer, card: dict[str, Any], own: str, codec: Codec, folder: Path
) -> None:
    """Raise OptionError where a tokenizer is not the one that a model's weights were made with."""
    size, specials = codec.tokenizer.get_vocab_size(), dict(zip(SPECIALS, range(32), strict=True))
    found = {name: codec.tokenizer.token_to_id(name) for name in SPECIALS}
    if own == codec.json and size == model.config.vocab and card["specials"] == found == specials:
        return
    raise OptionError(
        "the tokenizer does not match the weights", where=str(folder),
        expected=f"that of the model, {model.config.vocab} tokens, specials first",
        got=f"{size} tokens" + ("" if found == specials else ", other specials"),
        hint="train from scratch, or name the model whose tokenizer this is",
    )  # fmt: skip


class Teller(Protocol):
    """Whoever says how far a run is."""

    def step(self, report: Report) -> None:
        """After every step."""
        ...

    def verdict(self, nats: float, best: bool) -> None:  # noqa: FBT001 - a callback
        """After every look at the held-out files."""
        ...


def run(wanted: Wanted, prepared: Ready, team: Team, teller: Teller) -> Outcome:
    """Train until the length is reached or patience is; DIR has the best model at every moment.

    Raises TrainingError where the loss is no number. All of a team must call it.
    """
    trainer = Trainer(
        prepared.config, prepared.train, prepared.codec, model=prepared.model, team=team,
        fsdp=wanted.fsdp,
    )  # fmt: skip
    path = wanted.folder / "checkpoint.pt"
    if wanted.resume:
        trainer.restore(path)
        notes = checkpoint.read(path)["notes"]
    else:
        notes = {**prepared.notes, "before": _figures(trainer.plain(), prepared.heldout)}

    def judge(model: TinyTransformer) -> float:
        model.half().float()  # what is judged is what is exported
        return mean_nats(_figures(model, prepared.heldout))

    def verdict(model: TinyTransformer, nats: float, best: bool) -> None:  # noqa: FBT001
        if best:
            trained = {
                "tokens": trainer.tokens, "steps": trainer.step,
                "minutes": round(trainer.minutes, 1), "method": wanted.method,
            }  # fmt: skip
            export(
                model, prepared.codec, wanted.out, name=wanted.out.resolve().name,
                config=prepared.config, trained=trained,
            )  # fmt: skip
        teller.verdict(nats, best)

    watching = Watching(
        every=wanted.every, judge=judge, patience=wanted.patience, on_step=teller.step,
        on_verdict=verdict, notes=notes,
    )  # fmt: skip
    early = train(trainer, clock_of(wanted, trainer), wanted.folder, watching)
    best = load_model(wanted.out, device=team.device)[0] if team.leads else prepared.model
    outcome = Outcome(
        before=notes["before"],
        after=_figures(best, prepared.heldout) if best and team.leads else notes["before"],
        tokens=trainer.tokens, epochs=trainer.tokens / len(prepared.train.ids),
        steps=trainer.step, minutes=trainer.minutes, early=early, unique=len(prepared.train.ids),
        parameters=parameters(prepared.config.model),
        method=wanted.method,
    )  # fmt: skip
    if team.leads:
        text = own_card(wanted.out.resolve().name, asdict(outcome))
        (wanted.out / "CARD.md").write_text(text, encoding="utf-8")
    return outcome


def clock_of(wanted: Wanted, trainer: Trainer) -> Clock:
    """Progress as the user counts it; passes over the code become steps."""
    kind, amount = wanted.length
    if kind == "minutes":
        return by_minutes(amount, spent=trainer.minutes)
    if kind == "steps":
        return by_steps(int(amount))
    return by_steps(trainer.config.steps_for(amount * len(trainer.stream.ids)))


def mean_nats(figures: Figures) -> float:
    """The mean over the mask ratios: what early stopping looks at."""
    return sum(row["nats"] for row in figures.values()) / len(figures)


def _figures(model: TinyTransformer, heldout: Stream) -> Figures:
    return nats_by_ratio(model, heldout, RATIOS, windows=WINDOWS, seed=0)


def _require_sizes(sides: Sequence[Stream], config: RunConfig, team: Team) -> None:
    context = config.model.context
    for name, stream, least in zip(("train", "held-out"), sides, (context, LEAST), strict=True):
        if stream.longest < least:
            raise InputError(
                f"there is too little code on the {name} side",
                expected=f"{least} tokens or more", got=str(stream.longest),
                hint="name more files, or give --scratch a shorter --context",
            )  # fmt: skip
    least = 2 * context * team.size  # half in the first third
    if config.tokens < least:
        raise OptionError(
            "a step has too few tokens", expected=f"{least} or more, a row for each process",
            got=str(config.tokens), hint=f"--tokens {least}, or a shorter --context",
        )  # fmt: skip
