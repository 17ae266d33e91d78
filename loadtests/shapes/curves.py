"""The shapes: how a market's trade rises and falls, by the market-day calendar, compressed into a run. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random

from kit.clock import VIETNAM
from kit.marketday import Rain, coming, demand, market_day

# How finely a shape is looked at for its peak.
_STEPS = 1000
LEAST = 0.02  # somebody is always at the market

Curve = Callable[[date, float], float]


@dataclass(frozen=True, slots=True)
class Shape:
    """`curve(day, progress)`: trade at a part of the run (0 to 1), in any unit."""

    name: str
    says: str
    curve: Curve


def share(name: str, day: date, progress: float) -> float:
    """How much of the peak there is at a part of the run, 0 to 1, by a shape of SHAPES. Raises KeyError."""
    return max(LEAST, min(1.0, SHAPES[name].curve(day, min(1.0, max(0.0, progress))) / _peak(name, day)))


def arrivals(name: str, day: date, seconds: float, peak_a_s: float, dice: Random) -> list[float]:
    """When people come, s from the start: a Poisson process whose rate follows the shape, by thinning."""
    found, at = [], 0.0
    while (at := at + dice.expovariate(peak_a_s)) < seconds:
        if dice.random() < share(name, day, at / seconds):
            found.append(at)
    return found


@cache
def _peak(name: str, day: date) -> float:
    return max(SHAPES[name].curve(day, step / _STEPS) for step in range(_STEPS + 1))


def _hours(begins: float, ends: float, rain: tuple[Rain, ...] = ()) -> Curve:
    """From one hour of the day to another, as the calendar has it."""

    def curve(day: date, progress: float) -> float:
        midnight = datetime.combine(day, time(), VIETNAM)
        return demand(midnight + timedelta(hours=begins + (ends - begins) * progress), rain)

    return curve


@cache
def _ordinary(day: date) -> date:
    """The next weekday that is nothing special."""
    return next(on for on in (day + timedelta(days=n) for n in range(1, 400)) if not market_day(on).occasions)


def _morning(day: date, progress: float) -> float:
    return _hours(4.5, 10)(_ordinary(day), progress)


@cache
def _first_or_fifteenth(day: date) -> date:
    """The next lunar first or fifteenth on which the market is open."""
    return next(on.day for on in coming(day + timedelta(days=1), 40) if on.lunar.day in (1, 15) and on.busy > 1)


def _first_and_fifteenth(day: date, progress: float) -> float:
    """An ordinary morning, then that of the next lunar first or fifteenth: higher."""
    if progress < 0.5:
        return _morning(day, progress * 2)
    return _hours(4.5, 10)(_first_or_fifteenth(day), progress * 2 - 1)


_SHOWER = (Rain(390, 450),)  # half past six to half past seven


def _in_the_rain(day: date, progress: float) -> float:
    return _hours(4.5, 10, _SHOWER)(_ordinary(day), progress)


_SALE_AT, _SALE_RISES, _SALE_FADES, _SALE_BEFORE = 0.2, 0.005, 0.12, 0.15


def _live_sale(day: date, progress: float) -> float:
    """A quiet afternoon; somebody says "now", everybody pays within seconds, and it fades."""
    since = progress - _SALE_AT
    if since < 0:
        return _SALE_BEFORE
    rising = min(1.0, since / _SALE_RISES)
    return _SALE_BEFORE + (1 - _SALE_BEFORE) * rising * math.exp(-max(0.0, since - _SALE_RISES) / _SALE_FADES)


def _whole_day(day: date, progress: float) -> float:
    """The day from five in the morning to five: a shower at nine, a live sale at two, and the last hour."""
    trade = _hours(5, 17, (Rain(540, 570),))(day, progress)
    since = (5 + 12 * progress) - 14
    sale = math.exp(-since / 0.35) if since >= 0 else 0.0
    return trade + 0.4 * market_day(day).busy * sale


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("steady", "the same number of people all the time", lambda day, progress: 1.0),
        Shape("morning", "half past four to ten of an ordinary weekday: the ramp from 5 to 9", _morning),
        Shape("first-and-fifteenth", "an ordinary morning, then a lunar first or fifteenth", _first_and_fifteenth),
        Shape("rain", "a morning with a shower from half past six to half past seven", _in_the_rain),
        Shape("live-sale", "a live sale's first seconds, out of a quiet afternoon", _live_sale),
        Shape(
            "before-tet", "two to five in the afternoon of the day: its last hour is the year's peak", _hours(14, 17)
        ),
        Shape("market-day", "the whole day from five to five: ramp, shower, live sale, the last hour", _whole_day),
    )
}
