"""A plot with logarithmic axes, as SVG text: no library, so that the page can be rendered anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 460, 300, 60, 30, 110, 45
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by most colour-blind people
_DASHES = ("", "6 3", "2 3", "8 3 2 3")

Points = Sequence[tuple[float, float]]


def plot(title: str, x_label: str, y_label: str, series: Mapping[str, Points], x: float = 0) -> str:
    """One panel, at horizontal place `x` of the drawing."""
    everything = [point for points in series.values() for point in points if point[0] > 0 and point[1] > 0]
    if not everything:
        return ""
    lo_x, hi_x = _range([point[0] for point in everything])
    lo_y, hi_y = _range([point[1] for point in everything])

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = (math.log10(point[0]) - lo_x) / (hi_x - lo_x)
        up = (math.log10(point[1]) - lo_y) / (hi_y - lo_y)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [f'<g transform="translate({x:g} 0)">', _text(LEFT, 18, title, "start", bold=True)]
    for power in range(lo_x, hi_x + 1):
        px, _ = at((10.0**power, 10.0**lo_y))
        parts += [_line(px, TOP, px, HEIGHT - BOTTOM), _text(px, HEIGHT - BOTTOM + 16, _number(10.0**power), "middle")]
    for power in range(lo_y, hi_y + 1):
        _, py = at((10.0**lo_x, 10.0**power))
        parts += [_line(LEFT, py, WIDTH - RIGHT, py), _text(LEFT - 6, py + 4, _number(10.0**power), "end")]
    for number, (name, points) in enumerate(series.items()):
        colour, dash = _COLOURS[number % 4], _DASHES[number % 4]
        placed = [at(point) for point in sorted(points) if point[0] > 0 and point[1] > 0]
        if not placed:
            continue
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in placed]
        key = TOP + 10 + 18 * number
        parts.append(f'<line x1="{WIDTH - RIGHT + 8}" y1="{key}" x2="{WIDTH - RIGHT + 28}" y2="{key}" stroke="{colour}" '
                     f'stroke-width="2" stroke-dasharray="{dash}"/>')
        parts.append(_text(WIDTH - RIGHT + 33, key + 4, name, "start"))
    parts += [_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label, "middle"), _text(LEFT, TOP - 3, y_label, "end"), "</g>"]
    return "\n".join(parts)


def drawing(panels: Sequence[str], description: str) -> str:
    """The panels (made at multiples of WIDTH) as one file."""
    width = WIDTH * len(panels)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
            'font-family="sans-serif" font-size="12" role="img">')
    ground = f'<rect width="{width}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, f"<title>{escape(description)}</title>", ground, *panels, "</svg>\n"])


def _range(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _number(value: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
