"""What replicate, repair and due share: which collections are meant, and how much may be kept at home."""

from __future__ import annotations

import argparse
import os


def add_collections(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "collection", nargs="*", metavar="FILE.yaml|NAME", help="collection manifests, or their names (default: all that were archived)")


def add_spool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--spool-bytes", type=_size, default=0, metavar="SIZE",
        help="keep contents for absent stores below STRONGROOM_HOME, at most so much, such as '20 GB' (default: none)",
    )


def manifest_paths(args: argparse.Namespace) -> tuple[str, ...]:
    """The collection manifests named, absolute: a flow may run in another folder. Raises UsageError."""
    from strongroom.collections import find  # noqa: PLC0415 -- keeps --help fast

    return tuple(os.path.abspath(find(name)) for name in args.collection)


def store_url(text: str) -> str:
    """A store as the catalogue names it; a folder may be given as a path. Raises UsageError."""
    from strongroom.stores.open import parse_url  # noqa: PLC0415

    return parse_url(text).url


def _size(text: str) -> int:
    if text == "0":
        return 0
    from strongroom.collections.formats import size_bytes  # noqa: PLC0415

    try:
        return size_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
