"""Texts to compare, each made of a seed: sentences of a language of its own, so that two of them share next to nothing."""

from __future__ import annotations

import random

NOTICE = (
    "This page was rescued from a web site that has gone, and is kept here by its new custodian for those who look for it. It is shown "
    "as it was found: links may lead nowhere, addresses are no longer answered, and what it says may no longer hold. Write to the "
    "custodian, and not to its author, about anything that is wrong with it."
)
assert 300 <= len(NOTICE) <= 400


def vocabulary(seed: object, size: int = 3000) -> list[str]:
    chance = random.Random(f"words {seed}")
    syllables = [c + v for c in "bdfghjklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "el", "or")]
    return ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(size)]


_COMMON = vocabulary("common")


def sentences(seed: object, count: int, words: list[str] | None = None) -> list[str]:
    """`count` sentences of about 14 words."""
    chance = random.Random(str(seed))
    return [" ".join(chance.choices(words or _COMMON, k=chance.randint(10, 18))).capitalize() + "." for _ in range(count)]


def han(seed: object, count: int) -> list[str]:
    """Sentences without spaces, of common Chinese characters."""
    chance = random.Random(str(seed))
    return ["".join(chr(0x4E00 + int(chance.paretovariate(0.6)) % 3000) for _ in range(25)) + "。" for _ in range(count)]


def thai(seed: object, count: int) -> list[str]:
    chance = random.Random(str(seed))
    return ["".join(chr(chance.randint(0x0E01, 0x0E2E)) + chance.choice(["", "า", "ิ", "ี", "ุ"]) for _ in range(40)) for _ in range(count)]


def page(body: list[str], *, title: str = "A page", header: str = "", footer: str = "") -> str:
    """A page of an old site: nothing of it marks header or footer but where they stand."""
    paragraphs = "".join(f"<p>{one}</p>\n" for one in body)
    head = f"<!doctype html><html><head><title>{title}</title></head>"
    return f"{head}<body><div>{header}</div>\n{paragraphs}<div>{footer}</div></body></html>"
