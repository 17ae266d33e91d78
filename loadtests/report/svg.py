"""Line charts as SVG: made here, with nothing to load. Pure; the same input gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 24, 14, 34
# Told apart by people who do not see red and green alike (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#444444")
LINES_MAX, POINTS_MAX, TICKS = len(COLOURS), 1200, 5
# What a logarithmic axis begins with; less is drawn as this.
LOG_LEAST = 0.01

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Data to pixels. `log`: decades on the y axis."""

    x_most: float
    y_least: float
    y_most: float
    log: bool

    def x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * value / self.x_most

    def y(self, value: float) -> float:
        low, high, at = self.y_least, self.y_most, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, low))
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (at - low) / (high - low)


def chart(title: str, lines: Mapping[str, Line], y_unit: str, *, log: bool = False) -> str:
    """One chart over time (s), the first LINES_MAX lines of it; says so where there is nothing to show."""
    drawn = {name: _thinned(line) for name, line in list(lines.items())[:LINES_MAX] if line}
    points = [point for line in drawn.values() for point in line]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 18 * math.ceil(len(drawn) / 4)}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
    )
    if not points:
        return f'{head}<text x="{_LEFT}" y="60">nothing was recorded</text></svg>'
    scale = _scale(points, log)
    parts = [head, *_grid(scale, y_unit)]
    for number, (name, line) in enumerate(drawn.items()):
        colour = COLOURS[number]
        path = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in line)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{path}"/>')
        x, y = _LEFT + number % 4 * 200, HEIGHT + 14 + number // 4 * 18
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 15}" y="{y}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def _scale(points: Sequence[tuple[float, float]], log: bool) -> _Scale:
    values = [y for _, y in points]
    x_most = max(max(x for x, _ in points), 1.0)
    if not log:
        return _Scale(x_most, 0.0, _round_up(max(values)), log)
    above = [max(value, LOG_LEAST) for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(above))), math.ceil(math.log10(max(above)))
    return _Scale(x_most, 10.0**low, 10.0 ** max(high, low + 1), log)


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten; at least 1."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _grid(scale: _Scale, unit: str) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for value in _y_ticks(scale):
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    every = _round_up(scale.x_most / TICKS)
    for step in range(int(scale.x_most / every) + 1):
        value = every * step
        parts.append(f'<text x="{scale.x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{_number(value)} s</text>')
    parts.append(f'<text x="{_LEFT + 6}" y="{_TOP + 8}" class="unit">{escape(unit)}</text>')
    return parts


def _y_ticks(scale: _Scale) -> list[float]:
    if scale.log:
        low, high = round(math.log10(scale.y_least)), round(math.log10(scale.y_most))
        return [10.0**power for power in range(low, high + 1)]
    return [scale.y_most * step / TICKS for step in range(TICKS + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.3g}"


def _thinned(line: Line) -> Line:
    """At most POINTS_MAX points: of each run of neighbours, the highest, so that no peak is lost."""
    size = math.ceil(len(line) / POINTS_MAX)
    return [max(line[at : at + size], key=lambda point: point[1]) for at in range(0, len(line), size)]
