"""How decimal numbers between two bounds are written, digit by digit, as regular expressions.

Knows nothing of JSON Schema; signs are somebody else's.

>>> Size(Fraction(0), Fraction(12), low_open=True, high_open=False, most=0).patterns()
['[1-9]', '1[0-2]']
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Final

NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
"""Any number of RFC 8259."""
_LARGE: Final = Fraction(10**10)


def plain(value: Fraction) -> str:
    """`value` in digits, without an exponent; it must be a decimal fraction.

    >>> plain(Fraction(-5, 2)), plain(Fraction(3))
    ('-2.5', '3')
    """
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = str(abs((value * 10**places).numerator)).zfill(places + 1)
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _any(least: int, most: int | None) -> str:
    """Any digits, `least` to `most` of them."""
    if most is None:
        return "[0-9]" + {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    if least == most:
        return {0: "", 1: "[0-9]"}.get(most, f"[0-9]{{{most}}}")
    return "[0-9]?" if (least, most) == (0, 1) else f"[0-9]{{{least},{most}}}"


def _one(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def join(options: list[str]) -> str | None:
    """One of several patterns; None where there is none."""
    unique = list(dict.fromkeys(options))
    return None if not unique else unique[0] if len(unique) == 1 else f"(?:{'|'.join(unique)})"


def _between(low: str, high: str) -> list[str]:
    """Digits of one length from `low` to `high`, both included."""
    if not low or low == high:
        return [low]
    if low[0] == high[0]:
        return [low[0] + rest for rest in _between(low[1:], high[1:])]
    nines, zeros, rest = "9" * (len(low) - 1), "0" * (len(low) - 1), len(low) - 1
    first, last = int(low[0]), int(high[0])
    options: list[str] = []
    if low[1:] != zeros:
        options += [low[0] + tail for tail in _between(low[1:], nines)]
        first += 1
    late: list[str] = []
    if high[1:] != nines:
        late = [high[0] + tail for tail in _between(zeros, high[1:])]
        last -= 1
    if first <= last:
        options.append(_one(first, last) + _any(rest, rest))
    return options + late


def whole(low: int, high: int | None) -> list[str]:
    """Patterns of the integers from `low` (at least 0) to `high`, without leading zeros.

    >>> whole(0, 25), whole(7, None)
    (['[0-9]', '1[0-9]', '2[0-5]'], ['[7-9]', '[1-9][0-9]+'])
    """
    least, most = len(str(low)), None if high is None else len(str(high))
    if least == most:
        return _between(str(low), str(high))
    options = _between(str(low), "9" * least)
    if most is None or least + 1 < most:
        options.append("[1-9]" + _any(least, None if most is None else most - 2))
    return options if most is None else [*options, *_between("1" + "0" * (most - 1), str(high))]


@dataclass(frozen=True, slots=True)
class _Digits:
    """The digits after a point, of a value between two others.

    low, high    digits without zeros at the end (None: no bound)
    most         digits that may be written (None: without end)
    """

    low: str | None
    high: str | None
    low_open: bool = False
    high_open: bool = False
    most: int | None = None

    def may_stop(self) -> bool:
        """Whether no digits at all (so 0) are within the bounds."""
        above = self.low is None or (self.low == "" and not self.low_open)
        return above and (self.high is None or self.high != "" or not self.high_open)

    def written(self) -> list[str]:
        """Patterns of one digit or more."""
        low = None if self.low == "" and not self.low_open else self.low
        if self.most == 0:
            return []
        if low is None and self.high is None:
            return [_any(1, self.most)]
        if self.high == "":
            return [] if self.high_open or low is not None else ["0+"]
        if low == "" and self.high is None:
            if self.most is None:
                return ["0*[1-9][0-9]*"]
            return [_any(0, n).replace("[0-9]", "0") + self._nonzero(n) for n in range(self.most)]
        return self._by_first_digit(low)

    def _nonzero(self, zeros: int) -> str:
        """A digit other than 0 after so many zeros, and what may follow it."""
        return "[1-9]" + _any(0, (self.most or 0) - zeros - 1)

    def _after(self, digit: str, low: str | None, high: str | None) -> list[str]:
        most = None if self.most is None else self.most - 1
        rest = replace(self, low=low, high=high, most=most)
        return [digit + tail for tail in (*rest.written(), *([""] if rest.may_stop() else []))]

    def _by_first_digit(self, low: str | None) -> list[str]:
        first = -1 if low is None else int(low[:1] or "0")
        last = 10 if self.high is None else int(self.high[0])
        low_rest = (low or "")[1:]
        high_rest = (self.high or "")[1:]
        if first == last:
            return self._after(str(first), low_rest, high_rest)
        options: list[str] = []
        if low is not None and first < last:
            options += self._after(str(first), low_rest, None)
        if first + 1 <= last - 1:
            free = _any(0, None if self.most is None else self.most - 1)
            options.append(_one(first + 1, last - 1) + free)
        if self.high is not None and first < last:
            options += self._after(str(last), None, high_rest)
        return options

    def pattern(self) -> str | None:
        """A point and digits, or nothing; None where neither is within the bounds."""
        digits = join(self.written())
        if digits is None:
            return "" if self.may_stop() else None
        return rf"(?:\.{digits})?" if self.may_stop() else rf"\.{digits}"


@dataclass(frozen=True, slots=True)
class Size:
    """How far from zero a number may be; the same for both signs.

    most        digits after the point (None: without end, 0: integers)
    exponents   also spellings with an exponent, where it alone tells that they are within
    """

    low: Fraction
    high: Fraction | None
    low_open: bool
    high_open: bool
    most: int | None = None
    exponents: bool = False

    def patterns(self) -> list[str]:
        """Every way to write it without a sign."""
        if self.most == 0:
            return self._integers()
        free = self.exponents and self.high is None and self.most is None
        if free and self.low == 0 and not self.low_open:
            return [NUMBER.removeprefix("-?")]
        first = floor(self.low)
        above = self._digits(self.low, None)
        if self.high is None:
            options = [*self._with(str(first), above), *self._free(first + 1, None)]
            return [*options, *self._exponents()]
        last = floor(self.high)
        if first == last:
            return self._with(str(first), self._digits(self.low, self.high))
        options = [*self._with(str(first), above), *self._free(first + 1, last - 1)]
        return [*options, *self._with(str(last), self._digits(None, self.high)), *self._exponents()]

    def _digits(self, low: Fraction | None, high: Fraction | None) -> _Digits:
        first, last = (None if n is None else plain(n).partition(".")[2] for n in (low, high))
        return _Digits(first, last, self.low_open, self.high_open, self.most)

    def _with(self, integer: str, digits: _Digits) -> list[str]:
        tail = digits.pattern()
        return [] if tail is None else [integer + tail]

    def _free(self, low: int, high: int | None) -> list[str]:
        """Integers between, each with any digits after the point."""
        if high is not None and low > high:
            return []
        integer = join(whole(low, high)) or ""
        return [integer + (_Digits(None, None, most=self.most).pattern() or "")]

    def _exponents(self) -> list[str]:
        """What is surely between the bounds, whatever its digits."""
        options: list[str] = []
        if not self.exponents:
            return options
        mantissa = r"[1-9](?:\.[0-9]{1,14})?[eE]"
        if self.low == 0 and (self.high is None or self.high >= 1):
            options.append(mantissa + "-(?:0?[1-9]|[1-9][0-9])")
        if self.high is None and self.low <= _LARGE:
            options.append(mantissa + r"\+?[1-9][0-9]{1,2}")
        return options

    def _integers(self) -> list[str]:
        low = floor(self.low) + 1 if self.low_open else ceil(self.low)
        if self.high is None:
            return whole(low, None)
        high = ceil(self.high) - 1 if self.high_open else floor(self.high)
        return whole(low, high) if low <= high else []
