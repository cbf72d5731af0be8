"""Arguments that several verbs take: bags, where they are read from, numbers. A wrong one is told with what is expected."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final, TypeVar

from strongroom.core.digests import Digest

T = TypeVar("T")
N = TypeVar("N", int, float)

#: What may be any number ends here: systems, databases and calendars end somewhere beyond.
_ANY: Final = 1_000_000_000
#: Days: 100 years, as in collection manifests.
DAYS: Final = 36_500

_WHICH: Final = "which bag is meant, by its seal's SHA-256, where"


def typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` as the `type` of an argument: what its ValueError says is shown, where argparse would name the function."""

    def checked(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def whole(least: int, most: int = _ANY) -> Callable[[str], int]:
    """The `type` of a whole number from `least` to `most`."""
    return typed(lambda text: _number(text, int, "a whole number", least, most))


def amount(least: float, most: float = _ANY) -> Callable[[str], float]:
    """The `type` of a number from `least` to `most`, which may have a fraction."""
    return typed(lambda text: _number(text, float, "a number", least, most))


def _number(text: str, parse: Callable[[str], N], kind: str, least: N, most: N) -> N:
    try:
        number = parse(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        within = f", {least} or more" if most == _ANY and not (number or 0) > most else f" from {least} to {most}"
        raise ValueError(f"expected {kind}{within}, found {text[:40]!r}")
    return number


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", metavar="URL", dest="source", help="read from this store first, which the catalogue need not know")


def add_seal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seal", metavar="HEX", type=typed(Digest), help=f"{_WHICH} the label is forked")


def add_seals(parser: argparse.ArgumentParser, when: str = "") -> None:
    """`when`: the other arguments with which several are taken."""
    parser.add_argument(
        "--seal", metavar="HEX", type=typed(Digest), action="append", default=[], help=f"{_WHICH} a label is forked; may be repeated{when}")


def add_stores(parser: argparse.ArgumentParser, text: str) -> None:
    """Some stores; `text` says what for, and what is meant where none is named."""
    parser.add_argument("--store", metavar="URL", action="append", default=[], help=text)


def bag_or_none(args: argparse.Namespace) -> tuple[str, int | None] | tuple[None, None]:
    """(name, version) of the argument `bag`, which may be left out. Raises UsageError."""
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415 -- keeps --help fast

    return parse_bag(args.bag) if args.bag is not None else (None, None)
