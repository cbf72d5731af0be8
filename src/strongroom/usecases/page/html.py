"""Markup in which nothing that comes from a bag, a file name or a message can be markup, or hide what it is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from strongroom.core.events import parse_utc
from strongroom.core.findings import printable
from strongroom.core.sizes import human_size

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


def el(element: str, /, *children: object, **attributes: object) -> Html:
    """An element. `class_` is the attribute class, `aria_label` is aria-label; an attribute that is None is left out.

    >>> el("a", "R&D", href="#x", class_=None)
    '<a href="#x">R&amp;D</a>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None
    )
    if element in _EMPTY_ELEMENTS:
        return Html(f"<{element}{written}/>")
    return Html(f"<{element}{written}>{join(children)}</{element}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other, each escaped unless it is markup."""
    return Html(between.join(text(part) for part in parts))


def name(value: object) -> Html:
    """A file name, title or the like: its direction of writing is its own and does not spill over."""
    return el("bdi", value, class_="name")


def size(value: int) -> Html:
    """A size for people, with the exact number of bytes for programs.

    >>> size(1536)
    '<data value="1536">1.5 KiB</data>'
    """
    return el("data", human_size(value), value=value)


def count(value: int) -> Html:
    return el("data", f"{value:,}", value=value)


def when(utc: str | None) -> Html:
    """A time for people, to the minute; as it is where it is none.

    >>> when("2026-11-22T10:00:01Z"), when(None)
    ('<time datetime="2026-11-22T10:00:01Z">2026-11-22 10:00 UTC</time>', 'never')
    """
    if utc is None:
        return Html("never")
    time = parse_utc(utc)
    return text(utc) if time is None else el("time", time.strftime("%Y-%m-%d %H:%M UTC"), datetime=utc)
