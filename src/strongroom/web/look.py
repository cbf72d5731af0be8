"""How things are put into words and templates; nothing here knows what may be seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_from_bytes

from jinja2 import Environment, PackageLoader, StrictUndefined

from strongroom.core.sizes import human_size
from strongroom.usecases.room.finding import NotSoundError, OutOfReachError
from strongroom.usecases.room.reading import StillReadingError
from strongroom.usecases.room.room import WithheldError


class NothingThereError(Exception):
    """For whoever asks there is nothing here: it does not exist, or is not theirs to see. Nobody can tell which."""


class TooLongError(Exception):
    """Longer than what is read as text."""


class Message(NamedTuple):
    """What is said instead of what was asked for."""

    status: int
    heading: str
    text: str
    places: list[str]


_DEEPEST: Final = 8  # levels of nested metadata that are put into words
_PLAIN: Final[dict[type[Exception], Message]] = {
    NothingThereError: Message(404, "Nothing here", "There is nothing here under this name that can be shown.", []),
    StillReadingError: Message(
        503, "Being verified", "This large content is being read whole and verified for the first time. Come again in a moment.", []),
    TooLongError: Message(200, "No preview", "This text is too long to be shown as a whole; open or download it instead.", []),
}


def message_of(error: Exception) -> Message:
    """What to say of an error that stopped a page."""
    if isinstance(error, WithheldError):
        return Message(410, "Withheld", f"This content was withdrawn and is not shown: {error.reason}", [])
    if isinstance(error, NotSoundError):
        what = ("No sound copy of this content was found, so nothing of it is shown. `strongroom repair` heals it from another store."
                if error.wrong else "This content is in none of the places where it should be.")
        return Message(502, "Damaged", what, error.wrong)
    if isinstance(error, OutOfReachError):
        what = "This content is not in the stores that answered, and not every store did. That says nothing about it: try again later."
        return Message(503, "Out of reach", what, error.silent)
    return _PLAIN[type(error)]


def templates() -> Environment:
    """Everything that is put into one is escaped."""
    loader = PackageLoader("strongroom.web", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        size=human_size, day=_day, moment=_moment, url=lambda raw: quote_from_bytes(raw, safe="/"),
        quoted=lambda text: quote(text, safe=""), shown=lambda raw: raw.decode("utf-8", "replace"), fields=_fields,
        percent=lambda share: f"{share:.0%}", number="{:,}".format)
    return environment


def _fields(value: Any, depth: int = 0) -> list[str]:
    """A JSON value as lines for people."""
    if depth > _DEEPEST:
        return ["…"]
    if isinstance(value, dict):
        return [f"{name}: {line}" for name, one in value.items() for line in _fields(one, depth + 1)]
    if isinstance(value, list):
        if all(isinstance(one, str) for one in value):
            return [", ".join(value)]
        return [line for one in value
                for line in (["; ".join(_fields(one, depth + 1))] if isinstance(one, dict) else _fields(one, depth + 1))]
    return [] if value is None else [str(value)]


def _day(nanoseconds: int | None) -> str:
    try:
        return "" if nanoseconds is None else datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return ""


def _moment(text: str | None) -> str:
    """Times as they are written, "2026-11-22T10:00:00Z", for people."""
    return (text or "").replace("T", " ").replace("Z", " UTC")
