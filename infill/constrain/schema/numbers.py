"""Numbers of JSON: which are admitted, and the pattern of how a text spells them.

Numbers are compared by their exact decimal value. Without conditions every spelling of RFC 8259
is admitted. An integer is written plainly (`10`, not `10.0` or `1e1`). Between bounds a number is
written plainly too, but for what is certain from the exponent alone: `1e-5` where everything
above 0 and below 1 is admitted, `1e+20` where everything above 10**10 is. Beside an exclusive
bound fifteen digits are admitted, so that no reader's rounding reaches the bound.

Knows nothing of schemas or grammars.

>>> Number(integer=True, low=Fraction(1), high=Fraction(12)).pattern()
'(?:[1-9]|1[0-2])'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Final

from infill.constrain.schema.digits import NUMBER, Size, join, plain, whole
from infill.errors import GrammarError, LimitError

DIGITS: Final = 64
"""Digits before the point of a bound; patterns grow with its square."""
MULTIPLES: Final = 1_000
"""Multiples of one number that are written out one by one."""
_EXACT: Final = 2**53
_CERTAIN: Final = 15
"""Decimal digits that a double always keeps."""


def exact(value: float | Decimal) -> Fraction:
    """The decimal value that is written, not the nearest double.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(value if isinstance(value, Decimal) else Decimal(repr(value)))


def _common(each: list[Fraction]) -> Fraction:
    """The least number that is a multiple of each."""
    least = each[0]
    for other in each[1:]:
        below = lcm(least.denominator, other.denominator)
        above = lcm(int(least * below), int(other * below))
        least = Fraction(above, below)
    return least


@dataclass(frozen=True, slots=True)
class Number:
    """The numbers that meet every condition.

    integer              only whole ones
    low, high            bounds (None: none), themselves admitted unless `…_open`
    multiple             it is a multiple of this
    values               it is one of these; None: any
    """

    integer: bool = False
    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    multiple: Fraction | None = None
    values: frozenset[Fraction] | None = None

    def meet(self, other: Number) -> Number:
        """The numbers of both."""
        lows = [(n.low, n.low_open) for n in (self, other) if n.low is not None]
        highs = [(n.high, not n.high_open) for n in (self, other) if n.high is not None]
        low, low_open = max(lows, default=(None, False))
        high, closed = min(highs, default=(None, True))
        each = [n.multiple for n in (self, other) if n.multiple is not None]
        sets = [n.values for n in (self, other) if n.values is not None]
        return Number(
            self.integer or other.integer,
            low,
            high,
            low_open,
            not closed,
            _common(each) if each else None,
            frozenset.intersection(*sets) if sets else None,
        )

    def admits(self, value: Fraction) -> bool:
        """Whether `value` meets every condition."""
        return (
            (not self.integer or value.denominator == 1)
            and (self.low is None or value > self.low or (value == self.low and not self.low_open))
            and (
                self.high is None
                or value < self.high
                or (value == self.high and not self.high_open)
            )
            and (self.multiple is None or (value / self.multiple).denominator == 1)
            and (self.values is None or value in self.values)
        )

    def conflict(self) -> str:
        """Why no number can meet the conditions; or ""."""
        if self.values is not None:
            return "" if any(map(self.admits, self.values)) else "no number of the enum is admitted"
        if self.low is None or self.high is None:
            return ""
        if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
            return f"the minimum {plain(self.low)} is above the maximum {plain(self.high)}"
        step = self.step()
        if step is not None and not any(True for _ in self._multiples(step, self.low, self.high)):
            between = f"{plain(self.low)} and {plain(self.high)}"
            return f"no multiple of {step} is between {between}"
        return ""

    def step(self) -> Fraction | None:
        """What every admitted number is a multiple of, if anything."""
        if not self.integer:
            return self.multiple
        return _common([Fraction(1), *([] if self.multiple is None else [self.multiple])])

    def _multiples(self, step: Fraction, low: Fraction, high: Fraction) -> Iterator[Fraction]:
        for count in range(ceil(low / step), floor(high / step) + 1):
            if self.admits(count * step):
                yield count * step

    def pattern(self, where: str = "") -> str | None:
        """Every admitted spelling, as a regular expression of Python; None: no number.

        Raises `GrammarError` for a `multipleOf` that digits do not show, `LimitError` for a bound
        of more than `DIGITS` digits.
        """
        if self == Number():
            return NUMBER
        if self.conflict():
            return None
        if self.values is not None:
            admitted = sorted(filter(self.admits, self.values))
            return join([self._constant(value) for value in admitted])
        if any(len(str(floor(abs(n)))) > DIGITS for n in (self.low, self.high) if n is not None):
            raise LimitError("a bound with too many digits", where=where, expected=f"{DIGITS}")
        step = self.step()
        if step is None:
            return join(self._signed(self._places(), exponents=True))
        if step == 1:
            return join(self._signed(0))
        return self._stepped(step, where)

    def _constant(self, value: Fraction) -> str:
        text = ("-?" if value == 0 else "") + re.escape(plain(value))
        if self.integer:
            return text
        # a reader that takes `….0` for a double keeps it exactly only up to here
        if value.denominator > 1 or abs(value) <= _EXACT:
            text += r"(?:\.0+)?" if value.denominator == 1 else "0*"
        try:
            short = repr(float(value))
        except OverflowError:
            return text
        differs = "e" in short or abs(value) > _EXACT
        same = differs and exact(float(value)) == value
        return f"(?:{text}|{re.escape(short)})" if same else text

    def _places(self) -> int | None:
        """Digits after the point that no rounding carries across a bound (None: any)."""
        bounds = ((self.low, self.low_open), (self.high, self.high_open))
        near = [n for n, is_open in bounds if n is not None and (is_open or abs(n) > _EXACT)]
        return min((max(_CERTAIN - len(str(floor(abs(n)))), 0) for n in near), default=None)

    def _sides(self) -> Iterator[tuple[str, Size]]:
        """The sign and how far from zero, for each sign that is admitted."""
        low, high = self.low, self.high
        if high is None or high >= 0:
            at_zero = low is None or low < 0
            start, is_open = (
                (Fraction(0), False) if at_zero else (low or Fraction(0), self.low_open)
            )
            yield "", Size(start, high, is_open, self.high_open)
        if low is None or low <= 0:
            at_zero = high is None or high > 0
            start, is_open = (Fraction(0), False) if at_zero else (-(high or 0), self.high_open)
            yield "-", Size(Fraction(start), None if low is None else -low, is_open, self.low_open)

    def _signed(self, most: int | None, *, exponents: bool = False) -> list[str]:
        sides = [(s, replace(size, most=most, exponents=exponents)) for s, size in self._sides()]
        return [sign + text for sign, size in sides for text in size.patterns()]

    def _stepped(self, step: Fraction, where: str) -> str | None:
        if step.numerator == 1 and re.fullmatch("10+", str(step.denominator)):
            places = len(str(step.denominator)) - 1
            limit = self._places()
            return join(self._signed(places if limit is None else min(places, limit)))
        low, high = self.low, self.high
        if low is not None and high is not None and (high - low) / step < MULTIPLES:
            return join([re.escape(plain(value)) for value in self._multiples(step, low, high)])
        tens = (n for n in range(1, 19) if 10**n % step == 0 and 10**n // step <= MULTIPLES)
        digits = next(tens, None)
        if digits is None or step.denominator != 1:
            raise GrammarError(
                "this multipleOf cannot be carried",
                where=where,
                expected=f"a divisor of a power of ten, or bounds with {MULTIPLES} multiples",
                got=f"multipleOf {step}",
                hint="give a minimum and a maximum, or say it as an enum",
            )
        return join(self._last_digits(int(step), digits))

    def _last_digits(self, step: int, digits: int) -> list[str]:
        """Multiples of a divisor of 10**digits: the last digits tell, but at the bounds."""
        block = 10**digits
        lasts = join([f"{n:0{digits}d}" for n in range(0, block, step)]) or ""
        options: list[str] = []
        for sign, size in self._sides():
            first = int(size.low // block)
            last = None if size.high is None else int(size.high // block)
            for edge in sorted({first, first if last is None else last}):
                numbers = range(edge * block, (edge + 1) * block, step)
                options += [f"{sign}{n}" for n in numbers if self.admits(Fraction(f"{sign}{n}"))]
            if last is None or first + 1 <= last - 1:
                between = whole(first + 1, None if last is None else last - 1)
                options.append(sign + (join(between) or "") + lasts)
        return options
