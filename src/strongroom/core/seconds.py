"""Time limits as people set them."""

from __future__ import annotations

from math import inf, nan

from strongroom.core.errors import UsageError


def seconds(variable: str, text: str, default: float, *, least: float) -> float:
    """What a variable of the environment says, or the default where it says nothing. Raises UsageError.

    >>> seconds("STRONGROOM_READ_TIMEOUT", "2.5", 60.0, least=0.1), seconds("STRONGROOM_READ_TIMEOUT", "", 60.0, least=0.1)
    (2.5, 60.0)
    """
    try:
        value = float(text) if text else default
    except ValueError:
        value = nan
    if not least <= value < inf:
        raise UsageError(f"{variable}={text!r}: give a number of seconds, {least:g} or more")
    return value
