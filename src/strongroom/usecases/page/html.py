"""Markup in which nothing that comes from a bag, a file name or a message can be markup, or hide what it is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from strongroom.core.findings import printable

_EMPTY_ELEMENTS: Final = frozenset({"br", "col", "hr", "meta", "rect", "line", "path", "circle"})


class Html(str):
    """Text that is markup already. Made by `el`, `join` and `text` alone."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any text as markup: escaped, and with controls, lone surrogates and marks that turn the direction of writing made visible.

    >>> text("<b>\\u202e&")
    '&lt;b&gt;\\\\u202e&amp;'
    """
    return value if isinstance(value, Html) else Html(escape(printable(str(value)), quote=True))


def el(name: str, *children: object, **attributes: object) -> Html:
    """An element. `class_` is the attribute class, `aria_label` is aria-label; an attribute that is None is left out.

    >>> el("a", "R&D", href="#x", class_=None)
    '<a href="#x">R&amp;D</a>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None
    )
    if name in _EMPTY_ELEMENTS:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other, each escaped unless it is markup."""
    return Html(between.join(text(part) for part in parts))


def name(value: object) -> Html:
    """A file name, title or the like: its direction of writing is its own and does not spill over."""
    return el("bdi", value, class_="name")


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number and what it counts.

    >>> plural(1, "bag"), plural(1200, "bag"), plural(0, "copy", "copies")
    ('1 bag', '1,200 bags', '0 copies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
