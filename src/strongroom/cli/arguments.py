"""Arguments that several verbs take: bags, and where they are read from."""

from __future__ import annotations

import argparse
from typing import Final

from strongroom.core.digests import Digest

_WHICH: Final = "which bag is meant, by its seal's SHA-256, where"


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", metavar="URL", dest="source", help="read from this store first, which the catalogue need not know")


def add_seal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seal", metavar="HEX", type=Digest, help=f"{_WHICH} the label is forked")


def add_seals(parser: argparse.ArgumentParser, when: str = "") -> None:
    """`when`: the other arguments with which several are taken."""
    parser.add_argument(
        "--seal", metavar="HEX", type=Digest, action="append", default=[], help=f"{_WHICH} a label is forked; may be repeated{when}")


def add_stores(parser: argparse.ArgumentParser, text: str) -> None:
    """Some stores; `text` says what for, and what is meant where none is named."""
    parser.add_argument("--store", metavar="URL", action="append", default=[], help=text)


def bag_or_none(args: argparse.Namespace) -> tuple[str, int | None] | tuple[None, None]:
    """(name, version) of the argument `bag`, which may be left out. Raises UsageError."""
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415 -- keeps --help fast

    return parse_bag(args.bag) if args.bag is not None else (None, None)
