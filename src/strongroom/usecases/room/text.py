"""Text out of contents, for previews and comparisons: what was meant to be read, with nothing in it that acts."""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from typing import Final

#: Bytes of a content that is read as text at all.
TEXT_LIMIT: Final = 8 << 20
_TYPES: Final = frozenset({
    "application/json", "application/ld+json", "application/xml", "application/xhtml+xml", "application/javascript", "application/x-sh",
    "application/x-httpd-php", "application/rtf", "application/sql", "application/yaml", "application/toml", "application/x-ndjson",
    "message/rfc822", "image/svg+xml",
})
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET: Final = re.compile(rb"""charset\s*=\s*["']?([A-Za-z0-9_:.-]{1,40})|encoding\s*=\s*["']([A-Za-z0-9_:.-]{1,40})""")
_BLOCKS: Final = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "option", "p",
    "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
})
_SILENT: Final = frozenset({"script", "style", "template", "noscript"})
_SPACE: Final = re.compile(r"\s+")


def is_text(mime: str) -> bool:
    """Whether a content of this type is shown as text."""
    return mime.startswith("text/") or mime in _TYPES or mime.endswith(("+json", "+xml"))


def is_html(mime: str) -> bool:
    return mime in ("text/html", "application/xhtml+xml")


def decode(data: bytes) -> str:
    """The text of these bytes: by their byte order mark, as UTF-8, as they say themselves, else as Windows-1252. Never fails."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # cut within a character
            return data.decode("utf-8", "replace")
    said = _CHARSET.search(data[:2048])
    if said is not None:
        try:
            name = codecs.lookup((said[1] or said[2]).decode("ascii")).name
            if name not in ("utf-8", "utf-7"):
                return data.decode(name, "replace")
        except (LookupError, ValueError):
            pass
    return data.decode("cp1252", "replace")


def lines_of(data: bytes, mime: str) -> list[str]:
    """What a person reads of it, line by line, without blank ones: of a page its words, one line a block."""
    text = decode(data)
    if not is_html(mime):
        return [line.rstrip() for line in text.splitlines() if line.strip()]
    page = _Page()
    page.feed(text)
    page.close()
    return page.finish()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self._end()
        elif tag == "img":
            words = next((value for name, value in attrs if name == "alt" and value), "")
            self._line.append(f" {words} ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data)

    def _end(self) -> None:
        line = _SPACE.sub(" ", "".join(self._line)).strip()
        self._line.clear()
        if line:
            self._lines.append(line)

    def finish(self) -> list[str]:
        self._end()
        return self._lines
