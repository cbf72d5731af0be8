"""`strongroom quarantine`: what a virus scanner found, and letting it go."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from strongroom.cli.arguments import typed
from strongroom.cli.common import add_json_option, print_json, print_lines
from strongroom.cli.table import table
from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.core.sizes import human_size
from strongroom.usecases.context import Context
from strongroom.usecases.quarantine.holding import Held, Holding


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "List the contents in which a virus scanner found something (`scan` in the collection manifest): they were left out of the "
        "bags and are held below STRONGROOM_HOME/quarantine. With --release, one of them may come into stores from the next archive "
        "run on."
    )
    parser.add_argument("--release", metavar="HEX", type=typed(Digest), help="let this content go, by its SHA-256")
    parser.add_argument("--reason", help="why it is released; it is kept for good, in every bag that holds the content")
    parser.add_argument("--agent", metavar="WHO", action="append", default=[], help="who decided it (a person, an institution)")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Release or list, print, and give the exit status."""
    holding = Holding(Context.from_environment().home)
    if args.release is None and (args.reason or args.agent):
        raise UsageError("--reason and --agent say why, and by whom, a content is released: give --release too")
    every = [holding.release(args.release, args.reason or "", tuple(args.agent))] if args.release is not None else list(holding.every())
    if args.json:
        print_json({"format": "strongroom-quarantine-report/1", "contents": [one.to_json() for one in every]})
    else:
        print_lines(_lines(every))
    return 0


def _lines(every: list[Held]) -> Iterator[str]:
    if not every:
        yield "nothing is held"
        return
    states = {True: "held", False: "released"}
    rows = [(one.digest.hex, one.found, human_size(one.bytes), states[one.reason is None], _where(one)) for one in every]
    yield from table(("SHA-256", "FOUND", "SIZE", "STATE", "FILES"), rows, right=(2,))


def _where(one: Held) -> str:
    first = ", ".join(f"{collection}: {path}" for collection, path in one.files[:3])
    return first + (", …" if len(one.files) > 3 else "")
