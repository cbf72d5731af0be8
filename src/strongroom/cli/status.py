"""`strongroom status`: how each collection stands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from strongroom.cli.common import EXIT_STATUSES, add_json_option, print_findings, print_json, print_lines
from strongroom.cli.table import size_text, table
from strongroom.usecases.context import Context
from strongroom.usecases.status import StatusReport, status


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of the command line."""
    parser = subparsers.add_parser(
        "status",
        help="how each collection stands",
        description="Say for each collection its newest bag, its last run and where it lies, and which stores answer now.",
        epilog=EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look, print, and give the exit status."""
    report = status(Context.from_environment())
    if args.json:
        print_json(report.to_json())
    else:
        print_findings(report.findings)
        print_lines(_lines(report))
    return report.exit_status


def _lines(report: StatusReport) -> Iterator[str]:
    if not report.collections:
        yield "nothing is archived yet: `strongroom init FOLDER` begins a collection"
    else:
        rows = [
            (
                one.name, str(len(one.versions)), one.latest or "-", f"{one.files:,}", size_text(one.bytes),
                f"{one.last_archive or '-'} {one.last_outcome or ''}".strip(),
                f"{len(one.stores)}" + (f" ({len(one.behind)} behind)" if one.behind else ""),
            )
            for one in report.collections
        ]
        yield from table(("COLLECTION", "BAGS", "LATEST", "FILES", "SIZE", "LAST RUN", "STORES"), rows, right=(1, 3, 4))
    if report.stores:
        yield ""
        stores = [(one.url, str(one.bags), "yes" if one.reachable else f"no, last seen {one.seen}") for one in report.stores]
        yield from table(("STORE", "BAGS", "ANSWERS"), stores, right=(1,))
