"""PDF as lines of text, as far as it says them."""

from __future__ import annotations

import io
import logging
from typing import Final

from pypdf import PdfReader

from strongroom.likeness.features import Area, Block

_LARGEST: Final = 20_000_000  # characters that are taken


def lines(data: bytes) -> list[Block]:
    """The lines of every page; none where the pages are pictures, or a password is asked. Raises whatever pypdf raises."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data), strict=False)
    found: list[Block] = []
    size = 0
    for page in reader.pages:
        text = page.extract_text()
        size += len(text)
        found += (Block(Area.BODY, line) for line in text.split("\n") if line.strip())
        if size > _LARGEST:
            break
    return found
