"""`strongroom sweep`: remove what no bag needs, and what was withheld."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from strongroom.cli.arguments import DAYS, add_stores, amount
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_lines, print_report, run_job
from strongroom.cli.upkeep import store_url
from strongroom.core.errors import UsageError
from strongroom.usecases.context import Context

if TYPE_CHECKING:
    from strongroom.usecases.sweep.report import SweepReport

_EPILOG = EXIT_STATUSES + """
3 also where something that was condemned is still there: an attempt is open, or the store has it locked.
The findings say what it waits for; running it again goes on.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Remove from stores what no sealed bag needs: what attempts that were cut off left, damaged copies beside sound ones, and "
        "contents that were withheld, once their grace is over. It first writes down what it condemns, waits for whoever is at work, "
        "and reads every seal again before it deletes."
    )
    parser.epilog = _EPILOG
    add_stores(parser, "only this store; may be repeated (default: all)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be condemned")
    parser.add_argument("--grace", metavar="DAYS", type=amount(0, DAYS), default=None,
                        help="how long withheld contents stay (default: 30)")
    parser.add_argument("--void-open", action="store_true",
                        help="take the numbers of open attempts out of use instead of waiting for them; only if nobody works on them")
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is deleted")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Ask, sweep, print, and give the exit status."""
    stores = tuple(store_url(text) for text in args.store)
    if not args.dry_run and not args.yes:
        if not sys.stdin.isatty():
            raise UsageError("a sweep deletes: look with --dry-run what it would condemn, and give --yes")
        print_lines(_sweep(args, stores, dry_run=True).summary())
        print("Delete this? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return 2
    report = _sweep(args, stores, dry_run=args.dry_run)
    return print_report(args, report, report.summary())


def _sweep(args: argparse.Namespace, stores: tuple[str, ...], *, dry_run: bool) -> SweepReport:
    from strongroom.usecases.sweep.run import GRACE_DAYS, sweep  # noqa: PLC0415 -- keeps --help fast

    days = GRACE_DAYS if args.grace is None else args.grace
    parameters = {"stores": stores, "grace_days": days, "void_open": args.void_open, "dry_run": dry_run}
    report: SweepReport = run_job(
        args, "sweep", parameters,
        lambda runner: sweep(Context.from_environment(), runner, stores=stores, grace_days=days, void_open=args.void_open, dry_run=dry_run),
    )
    return report
