"""`strongroom list`: the bags there are."""

from __future__ import annotations

import argparse

from strongroom.cli.common import NOTHING_YET, add_json_option, print_findings, print_json, print_lines
from strongroom.cli.formats import format_lines
from strongroom.cli.table import table
from strongroom.core.errors import UsageError
from strongroom.core.sizes import human_size
from strongroom.usecases.context import Context
from strongroom.usecases.listing import ListedBag, list_bags


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "List the bags that the catalogue knows, or with --from those that are sealed in a store."
    parser.add_argument("name", metavar="NAME", nargs="?", help="only the bags of this collection")
    parser.add_argument("--from", metavar="URL", dest="source", help="list what lies in this store, whatever the catalogue knows")
    parser.add_argument("--formats", action="store_true", help="what the latest bags are made of, by the catalogue")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """List, print, and give the exit status."""
    if args.formats and args.source:
        raise UsageError("--formats is answered by the catalogue, not by a store: `strongroom show NAME --from URL` reads one bag")
    report = list_bags(Context.from_environment(), name=args.name, source=args.source, formats=args.formats)
    if args.json:
        print_json(report.to_json())
        return report.exit_status
    print_findings(report.findings)
    if not report.bags:
        where = args.source or "the catalogue"
        none = f"no bags in {where}" + (f" of a collection {args.name!r}" if args.name else "")
        print_lines([none if args.source or args.name or report.findings else f"{none}; {NOTHING_YET}"])
        return report.exit_status
    if report.formats is not None:
        print_lines(format_lines(report.formats) if report.formats else ["nothing was identified"])
        return report.exit_status
    rows = [(one.bag, one.sealed, _files(one), human_size(one.bytes), " ".join(one.stores) or "-") for one in report.bags]
    print_lines(table(("BAG", "SEALED", "FILES", "SIZE", "STORES"), rows, right=(2, 3)))
    return report.exit_status


def _files(bag: ListedBag) -> str:
    """ "1,204" or "1,204 (at least 3 withheld)": of bags that could not be read when tombstones came, the catalogue knows of none."""
    return f"{bag.files:,}" + (f" (at least {bag.withheld:,} withheld)" if bag.withheld else "")
