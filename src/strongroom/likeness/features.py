"""What is remembered of a content so that it can be compared with others without reading it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

#: The way contents are read here. Whatever changes what comes of one changes this, and then all are read again.
METHOD: Final = "2"
#: Points a side of the small picture by which pictures are compared.
POINTS: Final = 64


class Area(IntEnum):
    """Where in a document a block of text stands."""

    BODY = 0
    TITLE = 1
    HEADER = 2
    NAVIGATION = 3
    ASIDE = 4
    FOOTER = 5


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of HTML, or a line of anything else."""

    area: Area
    text: str


@dataclass(frozen=True, slots=True)
class TextFeatures:
    form: str  # "HTML", "Markdown", "PDF" or "plain text"
    shingles: bytes  # of the body: distinct hashes, uint32 little-endian, ascending
    first: int  # hash of the body's first shingle
    blocks: bytes  # of all areas, in their order: 8 bytes of hash each, the area in the lowest three bits
    words: int  # in the body; where a script has no spaces, characters


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    form: str  # "JPEG"
    width: int  # pixels
    height: int
    hash: int  # 64 bits (image.py)
    thumbnail: bytes  # deflated: 64 × 64 values of luma, then 32 × 32 each of blue and red difference (YCbCr)


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to compare in it."""

    why: str  # "" where nothing was to be expected
