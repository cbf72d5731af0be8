"""Charts as inline SVG without a view box: widths are shares of the room there is and text keeps its size, so that they can be read at 360
pixels as well as on a wall. Colours are classes of style.css, and no figure is told by colour alone: each chart has its table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from strongroom.usecases.page.html import Html, el, join

_ROW: Final = 42  # pixels: a line of text and a bar
_BAR: Final = 16
_SHORT: Final = 26  # characters
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_PLOT: Final = 200  # height of columns


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour stands for; `shade` is a class of style.css ("a1")."""

    name: str
    shade: str


@dataclass(frozen=True, slots=True)
class Row:
    """A bar or column: its label, a value for each series, and the figure in words."""

    label: str
    values: tuple[int, ...]
    words: str


def bars(ident: str, title: str, rows: Sequence[Row], series: Sequence[Series], axis: str) -> Html:
    """Bars of bytes from left to right, each with its label above it; several series follow each other. `axis` says what is counted."""
    top = size_scale(max((sum(row.values) for row in rows), default=0))
    height = len(rows) * _ROW
    parts = [_tick_down(number, size_tick(top * number // 4), height) for number in range(5)]
    for at, row in enumerate(rows):
        y = at * _ROW
        parts += _labels(row.label, y + 14)
        parts.append(el("text", row.words, x="100%", y=y + 14, text_anchor="end", class_="figure"))
        start = 0
        for value, one in zip(row.values, series, strict=True):
            if value > 0:
                shade = f"bar {one.shade}"
                parts.append(el("rect", x=_share(start, top), y=y + 20, width=_share(value, top), height=_BAR, class_=shade))
            start += value
    parts.append(el("text", axis, x="50%", y=height + 36, text_anchor="middle", class_="axis"))
    return join((_frame(ident, title, _told(rows), height + 44, parts), legend(series)))


def columns(ident: str, title: str, rows: Sequence[Row], series: Sequence[Series], axis: str) -> Html:
    """Columns of bytes side by side, the series of each on top of each other. Every so many of them has its label."""
    top = size_scale(max((sum(row.values) for row in rows), default=0))
    band = 100 / max(1, len(rows))
    width = min(band * 0.72, 14)
    every = -(-len(rows) // 6)
    parts = [_line_across(number) for number in range(5)]
    for at, row in enumerate(rows):
        middle = band * (at + 0.5)
        y = 24.0 + _PLOT
        for value, one in zip(row.values, series, strict=True):
            tall = _PLOT * value / top
            y -= tall
            if value > 0:
                left, shade = f"{middle - width / 2:.3f}%", f"bar {one.shade}"
                parts.append(el("rect", x=left, y=f"{y:.2f}", width=f"{width:.3f}%", height=f"{tall:.2f}", class_=shade))
        if at % every == 0:
            anchor = "start" if at == 0 and len(rows) > 6 else "middle"
            x = middle - width / 2 if anchor == "start" else middle
            parts.append(el("text", row.label, x=f"{x:.3f}%", y=_PLOT + 42, text_anchor=anchor, class_="tick"))
    parts += [el("text", size_tick(top * number // 4), x="0", y=_level(number) - 4, class_="tick") for number in range(5)]
    parts.append(el("text", axis, x="50%", y=_PLOT + 62, text_anchor="middle", class_="axis"))
    return join((_frame(ident, title, _told(rows), _PLOT + 70, parts), legend(series)))


def legend(series: Sequence[Series]) -> Html:
    """What the colours stand for, in the order in which they follow each other; nothing for a single one."""
    if len(series) < 2:
        return Html("")
    items = (
        el("li", el("svg", el("rect", x="1", y="1", width="14", height="14", class_=f"bar {one.shade}"), width="16", height="16",
                    aria_hidden="true", focusable="false"), el("span", one.name))
        for one in series
    )
    return el("ul", *items, class_="legend")


def scale(most: int) -> int:
    """The end of an axis, at least `most`, whose quarters have one decimal place at most.

    >>> scale(0), scale(5), scale(95), scale(1023)
    (2, 6, 100, 1200)
    """
    unit = 1
    while True:
        for step in (2, 4, 6, 8, 10, 12, 16):
            if unit * step >= most:
                return unit * step
        unit *= 10


def size_scale(most: int) -> int:
    """The same for bytes: its quarters are round in the unit in which they are written.

    >>> size_scale(5000), size_scale(900)
    (6144, 1000)
    """
    unit = 1
    while most > 1000 * unit and unit < 1 << 40:
        unit <<= 10
    return scale(-(-most // unit)) * unit


def size_tick(value: int) -> str:
    """A size on an axis, short.

    >>> size_tick(1536), size_tick(300), size_tick(20 << 30)
    ('1.5 KiB', '300 B', '20 GiB')
    """
    amount, at = float(value), 0
    while amount > 1000 and at < len(_UNITS) - 1:
        amount, at = amount / 1024, at + 1
    return f"{amount:.1f}".removesuffix(".0") + f" {_UNITS[at]}"


def _frame(ident: str, title: str, told: str, height: int, parts: Sequence[Html]) -> Html:
    return el(
        "svg", el("title", title, id=f"{ident}-title"), el("desc", told, id=f"{ident}-desc"), join(parts, "\n"), role="img",
        aria_labelledby=f"{ident}-title {ident}-desc", width="100%", height=height, class_="chart",
    )


def _told(rows: Sequence[Row]) -> str:
    some = "; ".join(f"{row.label}: {row.words}" for row in rows[:12])
    return (some + ("; …" if len(rows) > 12 else "") or "nothing to show") + ". All figures are in the table that follows."


def _tick_down(number: int, label: str, height: int) -> Html:
    x = f"{number * 25}%"
    anchor = ("start", "middle", "middle", "middle", "end")[number]
    line = el("line", x1=x, x2=x, y1="0", y2=height, class_="grid")
    return join((line, el("text", label, x=x, y=height + 16, text_anchor=anchor, class_="tick")))


def _line_across(number: int) -> Html:
    return el("line", x1="0", x2="100%", y1=_level(number), y2=_level(number), class_="grid")


def _level(number: int) -> int:
    return 24 + _PLOT - _PLOT * number // 4


def _labels(label: str, y: int) -> Iterator[Html]:
    """The whole label, and a short one that style.css shows instead where there is little room. (The table has the whole one.)"""
    if len(label) <= _SHORT:
        yield el("text", label, x="0", y=y, class_="label")
    else:
        yield el("text", label, x="0", y=y, class_="label wide")
        yield el("text", label[: _SHORT - 1] + "…", x="0", y=y, class_="label narrow")


def _share(value: int, top: int) -> str:
    """A length as a share of the axis; what is there at all can be seen."""
    return f"{max(100 * value / top, 0.3 if value else 0):.3f}%"
