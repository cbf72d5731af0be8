"""Numbers with what they count, and sentences, as people write them."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number and what it counts; `many` where it is not `one` with an s (or es), or a verb goes with it.

    >>> plural(1, "bag"), plural(1200, "batch"), plural(0, "copy is", "copies are")
    ('1 bag', '1,200 batches', '0 copies are')
    """
    return f"{count:,} {one if count == 1 else many or one + ('es' if one.endswith('ch') else 's')}"


def sentence(what: object) -> str:
    """`what`, such as an error, as a sentence that another may follow.

    >>> sentence("no folder is there"), sentence("is the disk plugged in?")
    ('no folder is there.', 'is the disk plugged in?')
    """
    text = str(what)
    return text if text.endswith((".", "?", "!")) else f"{text}."
