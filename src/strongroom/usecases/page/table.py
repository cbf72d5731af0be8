"""Tables of figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from strongroom.usecases.page.html import Html, el, join


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Collection[int] = ()) -> Html:
    """A table whose first column names the row. `numbers`: columns that are set right. It scrolls by itself where it is too wide."""
    head = el("tr", *(el("th", one, scope="col", class_=_class(at, numbers)) for at, one in enumerate(heads)))
    body = [
        el("tr", *(
            el("th", cell, scope="row") if at == 0 else el("td", cell, class_=_class(at, numbers)) for at, cell in enumerate(row)
        ))
        for row in rows
    ]
    inner = el("table", el("caption", caption), el("thead", head), el("tbody", join(body, "\n")))
    return el("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def behind(chart: Html, summary: str, inner: Html) -> Html:
    """A chart, and the table with its figures behind it."""
    return el("figure", chart, el("details", el("summary", summary), inner))


def cut(rows: Sequence[Sequence[object]], most: int, what: str) -> tuple[Sequence[Sequence[object]], Html]:
    """The first rows, and a sentence about those left out."""
    left = len(rows) - most
    return rows[:most], el("p", f"… and {left:,} more {what} that are not listed here.", class_="aside") if left > 0 else Html("")


def _class(at: int, numbers: Collection[int]) -> str | None:
    return "number" if at in numbers else None
