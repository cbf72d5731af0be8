"""Text as a set of shingles: runs of consecutive words, or of characters in scripts that put no space between words.

A shingle has four words; six characters of Chinese or Japanese, ten of Thai, Lao, Khmer, Burmese or Tibetan, which is about as much text:
with four, unrelated pages share too many. Letters count without case and in compatibility form (NFKC), punctuation not at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from strongroom.likeness.features import Area, Block, TextFeatures

_HAN: Final = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_THAI: Final = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
# Python counts the vowel signs of some scripts as no part of a word.
_MARKS: Final = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff"
_TOKEN: Final = re.compile(f"[{_HAN}]|[{_THAI}]|(?:[^\\W_{_HAN}{_THAI}]|[{_MARKS}])+")
_IS_HAN: Final = re.compile(f"[{_HAN}]")
_IS_THAI: Final = re.compile(f"[{_THAI}]")
#: Tokens in a shingle, by the kind of its first token: word, Han or Kana, Thai and the like.
WINDOWS: Final = (4, 6, 10)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXER: Final = np.uint64(0xD6E8FEB86659FD93)

Array = np.ndarray[Any, np.dtype[Any]]


@lru_cache(maxsize=1 << 17)
def _token_hash(token: str) -> int:
    """64 bits, of which the lowest two say what kind of token it is."""
    kind = 1 if _IS_HAN.match(token) else 2 if _IS_THAI.match(token) else 0
    return int.from_bytes(blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") & ~3 | kind


def tokens(text: str) -> list[str]:
    """The words of a text, or its characters where the script has no spaces.

    >>> tokens("Ein Haus, 鉄道")
    ['ein', 'haus', '鉄', '道']
    """
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def shingle(hashes: Array) -> Array:
    """The shingles of a text, given the hashes of its tokens, in their order: uint32, with repetitions."""
    kinds = (hashes & np.uint64(3)).astype(np.uint8)
    found = np.zeros(len(hashes), dtype=np.uint64)
    whole = np.zeros(len(hashes), dtype=bool)
    with np.errstate(over="ignore"):
        for kind, window in enumerate(WINDOWS):
            count = len(hashes) - window + 1
            here = kinds[:count] == kind if count > 0 else np.zeros(0, dtype=bool)
            if not here.any():
                continue
            run = np.zeros(count, dtype=np.uint64)
            for at in range(window):
                run = run * _MULTIPLIER + hashes[at : at + count]
            found[:count][here] = run[here]
            whole[:count] |= here
        found = (found ^ (found >> np.uint64(29))) * _MIXER
    return (found[whole] >> np.uint64(32)).astype(np.uint32)


def features(form: str, blocks: Iterable[Block]) -> TextFeatures:
    """What is remembered of a text. Where no block is of its body, all of them are."""
    cut = [(block.area, found) for block in blocks if (found := tokens(block.text))]
    body = [found for area, found in cut if area is Area.BODY] or [found for _, found in cut]
    hashes = np.fromiter((_token_hash(token) for found in body for token in found), dtype=np.uint64)
    shingles = shingle(hashes)
    first = int(shingles[0]) if len(shingles) else 0
    marks = np.fromiter((_block_hash(found) & ~7 | area for area, found in cut), dtype=np.uint64)
    return TextFeatures(form, np.unique(shingles).astype("<u4").tobytes(), first, marks.astype("<u8").tobytes(), len(hashes))


def _block_hash(found: list[str]) -> int:
    return int.from_bytes(blake2b(" ".join(found).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
