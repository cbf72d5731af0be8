"""What a content says, whatever it is: found out by its first bytes, its MIME type and the end of its name being hints."""

from __future__ import annotations

import re
from typing import Final

from strongroom.likeness import html, image, pdf, shingles
from strongroom.likeness.decoding import decode
from strongroom.likeness.features import Area, Block, ImageFeatures, Nothing, TextFeatures

#: Larger contents are not read.
LARGEST: Final = 32 * 1024 * 1024
_HTML: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|title)\b", re.IGNORECASE | re.DOTALL
)
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
_LINES: Final = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")

Features = TextFeatures | ImageFeatures | Nothing


def is_worth_reading(kind: str | None, length: int) -> bool:
    """Whether there may be anything to compare in a content of this MIME type (None: not known) and length in bytes."""
    if not 0 < length <= LARGEST:
        return False
    if kind is None or kind.startswith(("text/", "image/")):
        return True
    major, _, minor = kind.partition("/")
    return major == "application" and (minor in _TEXTUAL or minor.endswith(("+xml", "+json")))


_TEXTUAL: Final = frozenset({
    "pdf", "xhtml", "xml", "json", "x-ndjson", "javascript", "x-javascript", "ecmascript", "x-sh", "x-shellscript", "x-perl", "x-php",
    "x-ruby", "sql", "x-tex", "x-latex", "x-yaml", "yaml", "toml", "rtf", "mbox", "x-troff", "x-troff-man", "x-setext", "x-subrip",
    "octet-stream",  # libmagic was not sure
})


def look(data: bytes, kind: str | None, name: str) -> Features:
    """What is remembered of a content. Raises whatever the library that reads it raises."""
    if data.startswith(_PICTURES):
        return image.look(data)
    if data[:1024].find(b"%PDF-") >= 0:
        return _text("PDF", pdf.lines(data))
    page = _HTML.match(data[:8192]) is not None or kind in ("text/html", "application/xhtml+xml")
    text = decode(data, declares=page or data.startswith(b"<"))
    if text is None:
        return Nothing("")
    if page or name.lower().endswith((".html", ".htm", ".xhtml")):
        return _text("HTML", html.blocks(text))
    form = "Markdown" if name.lower().endswith((".md", ".markdown")) else "plain text"
    return _text(form, (Block(Area.BODY, line) for line in _LINES.split(text)))


def _text(form: str, blocks: object) -> TextFeatures | Nothing:
    found = shingles.features(form, blocks)  # type: ignore[arg-type]
    return found if found.shingles else Nothing("it has no text" if form == "PDF" else "")
