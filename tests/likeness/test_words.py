"""What differs, in words a person reads, one way and the other."""

from __future__ import annotations

import numpy as np
import pytest

from strongroom.likeness import words
from strongroom.likeness.features import Area, Block, ImageFeatures, TextFeatures
from strongroom.likeness.pictures import Likeness
from strongroom.likeness.shingles import features
from tests.likeness.words import sentences

BODY = sentences("body", 12)


def text(body: list[str], form: str = "plain text", **areas: str) -> TextFeatures:
    others = [Block(Area[name.upper()], said) for name, said in areas.items()]
    return features(form, [*others, *(Block(Area.BODY, one) for one in body)])


def told(a: TextFeatures, b: TextFeatures) -> tuple[str, str]:
    x, y = (set(np.frombuffer(one.shingles, "<u4").tolist()) for one in (a, b))
    both = len(x & y)
    return words.of_texts(a, b, both / len(x | y), both / len(x), both / len(y))


def wrapped(body: list[str]) -> list[str]:
    said = " ".join(body).split()
    return [" ".join(said[at : at + 9]) for at in range(0, len(said), 9)]


CASES = {
    "added 2 lines": (text(BODY), text([*BODY[:5], *sentences("new", 2), *BODY[5:]]), "lost 2 lines"),
    "changed 1 line": (text(BODY), text([*BODY[:5], BODY[5] + " And more.", *BODY[6:]]), "changed 1 line"),
    "added 1 paragraph": (text(BODY, "HTML"), text([*BODY, "One more paragraph of five words."], "HTML"), "lost 1 paragraph"),
    "same text, other markup": (text(BODY, "HTML"), text([one.upper() for one in BODY], "HTML"), "same text, other markup"),
    "same text, other spacing or punctuation": (text(BODY), text([one + " !" for one in BODY]), "same text, other spacing or punctuation"),
    "same text, lines broken elsewhere": (text(BODY), text(wrapped(BODY)), "same text, lines broken elsewhere"),
    "same lines in another order": (text(BODY), text([*BODY[6:], *BODY[:6]]), "same lines in another order"),
    "same body, other header": (text(["Found here", *BODY]), text(["Taken from there", *BODY]), "same body, other header"),
    "same body, other header and footer": (
        text(["Found here", *BODY, "in May"]), text(["Taken from there", *BODY, "in June"]), "same body, other header and footer"),
    "same body, other title and menu": (
        text(BODY, "HTML", title="One", navigation="Home News"), text(BODY, "HTML", title="Two", navigation="Home Contact"),
        "same body, other title and menu"),
    "same text, as HTML and as Markdown": (text(BODY, "HTML"), text(BODY, "Markdown"), "same text, as HTML and as Markdown"),
    "as PDF; added 1 line": (text(BODY), text([*BODY, "Page 1 of 1"], "PDF"), "as plain text; lost 1 line"),
    "contains 100 % of the shorter one; 3 times as long": (text(BODY[:3]), text(BODY), "contained in the longer one: 100 %"),
}


@pytest.mark.parametrize("expected", CASES)
def test_what_differs(expected: str) -> None:
    a, b, turned = CASES[expected]
    assert told(a, b) == (expected, turned)
    assert told(b, a)[::-1] == (expected, turned) or expected.startswith("same text, as")


def test_very_long_documents_are_counted_and_not_laid_side_by_side() -> None:
    lines = sentences("long", 4000)
    assert told(text(lines), text([*lines, "And a line more at the end."])) == ("added 1 line", "lost 1 line")


def test_pictures() -> None:
    def picture(width: int, form: str) -> ImageFeatures:
        return ImageFeatures(form, width, 240, 0, b"")

    def told(a: ImageFeatures, b: ImageFeatures, **measured: object) -> tuple[str, str]:
        found = {"points": 64, "share": 1.0, "lighter": 0.0, "contrast": 1.0, "colours": (True, True)} | measured
        return words.of_images(a, b, Likeness(**found))

    one = picture(320, "PNG")
    assert told(one, one) == ("shows the same at 64 × 64 points",) * 2
    assert told(one, picture(320, "JPEG"), share=0.97) == (
        "shows nearly the same at 64 × 64 points, other format (PNG and JPEG)",
        "shows nearly the same at 64 × 64 points, other format (JPEG and PNG)")
    assert told(one, picture(32, "PNG"), points=32)[0] == "shows the same at 32 × 32 points, other size (320 × 240 and 32 × 240 pixels)"
    assert told(one, one, lighter=9.0) == ("shows the same at 64 × 64 points, lighter", "shows the same at 64 × 64 points, darker")
    assert told(one, one, contrast=0.8) == (
        "shows the same at 64 × 64 points, less contrast", "shows the same at 64 × 64 points, more contrast")
    assert told(one, one, colours=(True, False)) == (
        "shows the same at 64 × 64 points, without colours", "shows the same at 64 × 64 points, in colours")
