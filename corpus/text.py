"""Made-up prose in several scripts: nothing in it is from anywhere, and it compresses about as well as real prose.

All chance comes from SHAKE-128, so that a seed means the same bytes on every machine and every Python; the `random` module only
promises that for some of its methods.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Iterator

#: Syllables by script, one script a line; words are made of two or three of them.
_SYLLABLES = """
a be ci do fu gra hel in jo ka lum men no or pri quo ros stu ta ur ves wyn xi yel zo bla cre dri flo gne thi sch ound ight est ing er
lå ën für grün æ sø fj ñan ção lé maß ží kře łą ő ğül ße ê où naï ä ö ü ø ş č š ć ó é à í ú ń ę
бе ре за ло шад ка ро ща ве тер сне жок пол дня о зе ра мо ли ст ник ы ю ё кру хво цап гу
θά λα σσα νη σί ε λιά φως μέ ρα κή πος δέν τρο α στρο νύ χτα ου βι γω ζη ξε ψι
של ום גן ים אור הר עץ מי לב רוח כו כב נר ד ז ח ט ס פ צ ק ת
茶 山 川 月 灯 石 雨 花 森 風 庭 火 水 村 路 春 夏 秋 冬 鳥 魚 米 竹 松 梅 雪 星 空 海 島
"""
#: How often each script is chosen for a paragraph, in elevenths.
_SHARES = (0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5)
_WORDS_OF_A_SCRIPT = 4000
_WORDS_OF_A_PARAGRAPH = 60
#: Bytes of prose that files are cut from; long enough that cuts at different places are different texts.
POOL_BYTES = 2 * 1024 * 1024


def chance(*key: object) -> Iterator[int]:
    """Endless 32-bit numbers that depend on `key` alone."""
    name = repr(key).encode()
    for block in itertools.count():
        yield from struct.unpack("<64I", hashlib.shake_128(b"%d:%s" % (block, name)).digest(256))


def noise(key: str, block: int, length: int) -> bytes:
    """`length` bytes that no compressor can shorten."""
    return hashlib.shake_128(f"{block}:{key}".encode()).digest(length)


def prose(seed: int) -> bytes:
    """At least POOL_BYTES of UTF-8 paragraphs of a sentence each, ended by LF."""
    numbers = chance("prose", seed)
    vocabularies = [_vocabulary(line.split(), numbers) for line in _SYLLABLES.strip().splitlines()]
    paragraphs: list[bytes] = []
    length = 0
    while length < POOL_BYTES:
        words = vocabularies[_SHARES[next(numbers) % len(_SHARES)]]
        chosen = (words[next(numbers) % len(words)] for _ in range(_WORDS_OF_A_PARAGRAPH))
        paragraphs.append((" ".join(chosen).capitalize() + ".\n").encode())
        length += len(paragraphs[-1])
    return b"".join(paragraphs)


def _vocabulary(syllables: list[str], numbers: Iterator[int]) -> list[str]:
    return [
        "".join(syllables[next(numbers) % len(syllables)] for _ in range(2 + next(numbers) % 2))
        for _ in range(_WORDS_OF_A_SCRIPT)
    ]


def cut(pool: bytes, title: bytes, start: int, length: int) -> bytes:
    """Exactly `length` bytes (at least that of the title) of whole UTF-8 characters: a title line and prose from about byte `start`."""
    head = title + b"\n"
    start = pool.index(b" ", start % (len(pool) // 2)) + 1
    body = pool[start : start + length - len(head)]
    end = body.rfind(b" ") + 1  # a space is never part of another character
    return head + body[:end] + b"." * (length - len(head) - end)
