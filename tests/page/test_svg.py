"""Axes end where they should, and what is drawn is as long as it says."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from strongroom.usecases.page.svg import Row, Series, bars, columns, scale, size_scale, size_tick

FEWER = settings(max_examples=50)
SERIES = (Series("new", "s1"), Series("old <&>", "s2"))


@FEWER
@given(st.integers(0, 1 << 60))
def test_an_axis_is_long_enough_and_its_ticks_are_exact(most):
    for end in (scale(most), size_scale(most)):
        assert end >= most and end <= max(2.2 * most, 2048)
    for quarter in range(1, 5):
        value = size_scale(most) * quarter // 4
        number, unit = size_tick(value).split()
        exact = Fraction(number) * 1024 ** ("B", "KiB", "MiB", "GiB", "TiB").index(unit)
        assert most < 4 or abs(exact - value) <= value / 20  # a power of two of a unit may have more than one decimal


def drawn(markup):
    return etree.fromstring(f"<div>{markup}</div>")


@FEWER
@given(st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)), min_size=1, max_size=40))
def test_lengths_and_heights(values):
    rows = [Row(f"<v{number}>", pair, "so much") for number, pair in enumerate(values)]
    top = size_scale(max(map(sum, values)))
    svg_bars = drawn(bars("a", "Bars", rows, SERIES, "bytes")).find("svg")
    wide = [float(one.get("width").removesuffix("%")) for one in svg_bars.iter("rect")]
    wanted = [max(100 * value / top, 0.3) for pair in values for value in pair if value]
    assert wide == pytest.approx(wanted, abs=0.001)
    tall = [float(one.get("height")) for one in drawn(columns("b", "Columns", rows, SERIES, "bytes")).find("svg").iter("rect")]
    assert tall == pytest.approx([200 * value / top for pair in values for value in pair if value], abs=0.01)
    for chart in (svg_bars, drawn(columns("b", "Columns", rows, SERIES, "bytes")).find("svg")):
        for one in chart.iter("rect"):
            x, width = (float(one.get(key, "0").removesuffix("%")) for key in ("x", "width"))
            assert x >= 0 and x + width <= 100.7 and (one.get("y") is None or float(one.get("y")) >= 0)


def test_many_columns_have_few_labels():
    rows = [Row(f"v{number}", (number, 1), "so much") for number in range(36)]
    ticks = [one.text for one in drawn(columns("c", "Columns", rows, SERIES, "version")).iter("text") if (one.text or "").startswith("v")]
    assert ticks == ["v0", "v6", "v12", "v18", "v24", "v30", "version"]
