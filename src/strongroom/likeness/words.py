"""What differs between two documents or pictures that are alike, in words a person reads."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from typing import Any, Final

import numpy as np

from strongroom.likeness.features import Area, ImageFeatures, TextFeatures
from strongroom.likeness.pictures import Likeness

#: Longer documents are not laid side by side block by block, only counted.
_SIDE_BY_SIDE: Final = 3000
#: From here on a document that is contained is not also told what was added.
_LIKE: Final = 0.5
#: So much of the one must be in the other for the body to be called the same.
_SAME_BODY: Final = 0.8
#: Levels of 255 from which on a picture is called lighter, and times from which on its contrast is said.
_LIGHTER: Final = 6
_CONTRAST: Final = 1.05
_AREAS: Final = {Area.TITLE: "title", Area.HEADER: "header", Area.NAVIGATION: "menu", Area.ASIDE: "margin", Area.FOOTER: "footer"}


def of_texts(a: TextFeatures, b: TextFeatures, jaccard: float, a_in_b: float, b_in_a: float) -> tuple[str, str]:
    """What b is as against a, and what a is as against b."""
    if jaccard < _LIKE:
        small = a if a_in_b >= b_in_a else b
        share, longer = f"{max(a_in_b, b_in_a):.0%}".replace("%", " %"), _times(a, b)
        contained = f"contained in the longer one: {share}", f"contains {share} of the shorter one{longer}"
        return contained[::-1] if small is a else contained
    x, y = _Parts(a), _Parts(b)
    if x.body == y.body:
        return (_same_body(a, b, x, y),) * 2
    where = _where(x.body, y.body) if max(a_in_b, b_in_a) >= _SAME_BODY else ""
    if where:
        return (f"same body, other {where}",) * 2
    forth = _changes(x.body, y.body, "paragraph" if a.form == b.form == "HTML" else "line", jaccard)
    return forth if a.form == b.form else (f"as {b.form}; {forth[0]}", f"as {a.form}; {forth[1]}")


def of_images(a: ImageFeatures, b: ImageFeatures, found: Likeness) -> tuple[str, str]:
    """What b is as against a, and what a is as against b: what was measured, and nothing of what may be behind it."""
    same = "the same" if found.share == 1 else "nearly the same"
    what = f"shows {same} at {found.points} × {found.points} points"
    forth, back = [what], [what]
    if abs(found.lighter) > _LIGHTER:
        forth.append("lighter" if found.lighter > 0 else "darker")
        back.append("darker" if found.lighter > 0 else "lighter")
    elif not 1 / _CONTRAST < found.contrast < _CONTRAST:
        forth.append("more contrast" if found.contrast > 1 else "less contrast")
        back.append("less contrast" if found.contrast > 1 else "more contrast")
    if found.colours[0] != found.colours[1]:
        forth.append("in colours" if found.colours[1] else "without colours")
        back.append("in colours" if found.colours[0] else "without colours")
    return ", ".join([*forth, *_made(a, b)]), ", ".join([*back, *_made(b, a)])


def _made(a: ImageFeatures, b: ImageFeatures) -> list[str]:
    size = f"other size ({a.width} × {a.height} and {b.width} × {b.height} pixels)"
    form = f"other format ({a.form} and {b.form})"
    return [*([size] if (a.width, a.height) != (b.width, b.height) else []), *([form] if a.form != b.form else [])]


class _Parts:
    """Hashes of the blocks of a document, its body apart from the rest."""

    def __init__(self, features: TextFeatures) -> None:
        blocks = np.frombuffer(features.blocks, dtype="<u8")
        areas = (blocks & np.uint64(7)).astype(np.uint8)
        body = areas == Area.BODY if (areas == Area.BODY).any() else np.ones(len(areas), dtype=bool)
        self.body: list[int] = blocks[body].tolist()
        self.others: dict[Area, list[int]] = {
            area: blocks[(areas == area) & ~body].tolist() for area in _AREAS
        }


def _same_body(a: TextFeatures, b: TextFeatures, x: _Parts, y: _Parts) -> str:
    other = [_AREAS[area] for area in _AREAS if x.others[area] != y.others[area]]
    if other:
        return f"same body, other {_listed(other)}"
    if a.form != b.form:
        return f"same text, as {a.form} and as {b.form}"
    return "same text, other markup" if a.form == "HTML" else "same text, other spacing or punctuation"


def _changes(x: list[int], y: list[int], unit: str, jaccard: float) -> tuple[str, str]:
    gone, new = Counter(x) - Counter(y), Counter(y) - Counter(x)
    lost, added = sum(gone.values()), sum(new.values())
    if not lost and not added:
        return (f"same {unit}s in another order",) * 2
    if jaccard >= 0.99 and lost + added > 0.5 * (len(x) + len(y)):
        return ("same text, lines broken elsewhere",) * 2
    return _told(added, lost, unit), _told(lost, added, unit)


def _told(added: int, lost: int, unit: str) -> str:
    changed = min(added, lost)
    parts = [f"{verb} {count:,} {unit}{'s' if count > 1 else ''}"
             for verb, count in (("changed", changed), ("added", added - changed), ("lost", lost - changed)) if count]
    return ", ".join(parts)


def _where(x: list[int], y: list[int]) -> str:
    """"header", "footer" or both if they differ only there: before or after a long run of blocks that both have, and in all that stands
    there. "" where they differ otherwise, or the one has there what the other has not: that was added, or lost."""
    if max(len(x), len(y)) > _SIDE_BY_SIDE:
        return ""
    match = SequenceMatcher(None, x, y, autojunk=False).find_longest_match()
    if match.size < 0.5 * min(len(x), len(y)):
        return ""
    ends = {"header": (x[: match.a], y[: match.b]), "footer": (x[match.a + match.size :], y[match.b + match.size :])}
    differ = {name: parts for name, parts in ends.items() if any(parts)}
    if any(not all(parts) or set(parts[0]) & set(parts[1]) for parts in differ.values()):
        return ""
    return _listed(list(differ))


def _times(a: Any, b: Any) -> str:
    small, large = sorted((a.words, b.words))
    return f"; {large / small:.0f} times as long" if small and large >= 2 * small else ""


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
