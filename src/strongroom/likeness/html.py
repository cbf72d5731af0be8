"""HTML as blocks of text: what a reader sees, and which part of the page it stands in."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from strongroom.likeness.features import Area, Block

_UNSEEN: Final = frozenset({"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "select", "textarea", "button"})
#: What stands after these ends is shown as if they were not there (HTML, 13.2.6.4.19 to 22), and lost by the parser with them.
_ENDS: Final = re.compile(r"""</(?:html|body)(?:[\s/][^<>"']*)?>""", re.IGNORECASE)
#: Within these, text goes on without a break.
_INLINE: Final = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "label",
    "mark", "nobr", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
})
_BY_TAG: Final = {"nav": Area.NAVIGATION, "header": Area.HEADER, "footer": Area.FOOTER, "aside": Area.ASIDE, "title": Area.TITLE}
_BY_ROLE: Final = {"navigation": Area.NAVIGATION, "banner": Area.HEADER, "contentinfo": Area.FOOTER, "complementary": Area.ASIDE,
                   "search": Area.NAVIGATION}


def blocks(text: str) -> list[Block]:
    """The blocks of a page in their order. Where it marks its main part, all else is its surroundings."""
    parser = etree.HTMLParser(encoding="utf-8", recover=True, remove_comments=True, remove_pis=True, no_network=True)
    text = _ENDS.sub("", text)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser) if text.strip() else None
    if root is None:
        return []
    main = next(iter(root.xpath("//main | //*[@role='main']")), None)
    walk = _Walk(main)
    walk.over(root)
    if main is not None and not any(block.area is Area.BODY for block in walk.blocks):
        walk = _Walk(None)
        walk.over(root)
    return walk.blocks


class _Walk:
    def __init__(self, main: Any) -> None:
        self._main = main
        # Before the main part is the header, after it the footer; without one, all is body that is not marked as something else.
        self._area = Area.BODY if main is None else Area.HEADER
        self._text: list[str] = []
        self.blocks: list[Block] = []

    def over(self, root: Any) -> None:
        areas: list[Area] = []
        unseen = 0
        for event, element in etree.iterwalk(root, events=("start", "end")):
            tag = element.tag
            if event == "start":
                areas.append(self._area)
                unseen += tag in _UNSEEN
                self._enter(element, tag)
                if not unseen and element.text:
                    self._text.append(element.text)
            else:
                unseen -= tag in _UNSEEN
                if tag not in _INLINE:
                    self._flush()
                self._area = areas.pop()
                if element is self._main:
                    self._area = Area.FOOTER
                    areas = [Area.FOOTER] * len(areas)
                if not unseen and element.tail:
                    self._text.append(element.tail)
        self._flush()

    def _enter(self, element: Any, tag: str) -> None:
        if tag in _INLINE:
            return
        self._flush()
        if element is self._main:
            self._area = Area.BODY
        elif self._area in (Area.BODY, Area.HEADER, Area.FOOTER):
            area = _BY_TAG.get(tag) or _BY_ROLE.get(element.get("role") or "")
            # The header of an article, or in the main part, is what it is called.
            if area is not None and not (tag in ("header", "footer") and self._within(element)):
                self._area = area

    def _within(self, element: Any) -> bool:
        return any(above is self._main or above.tag in ("main", "article") for above in element.iterancestors())

    def _flush(self) -> None:
        if self._text:
            text = " ".join("".join(self._text).split())
            self._text.clear()
            if text:
                self.blocks.append(Block(self._area, text))
