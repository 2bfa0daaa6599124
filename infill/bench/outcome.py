"""What a method makes of an item; and what a method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from infill.models.denoiser import Denoiser

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One method's answer to one item.

    text      the whole text afterwards
    fills     what was put into each gap, where the item has gaps
    suspects  the pieces of the item's text that the method doubts, the most doubtful first
    checks    how often a checker was asked on the way
    forwards  rows that another model than the table's scored for it
    failed    what the library said where it gave no fill; "" otherwise
    """

    text: str
    fills: tuple[str, ...] = ()
    suspects: tuple[int, ...] = ()
    checks: int = 0
    forwards: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Method(Generic[Item]):
    """A named way to do items of one kind.

    run    (denoiser, item, seed) → outcome; the denoiser counts what it is asked
    draws  whether the seed matters; a method that draws nothing is run once per item
    """

    name: str
    run: Callable[[Denoiser, Item, int], Outcome]
    draws: bool = False
