"""`strongroom report`: what was done lately."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from strongroom.cli.common import add_json_option, print_json, print_lines
from strongroom.core.events import utc_text
from strongroom.usecases.context import Context
from strongroom.usecases.report.run import report

_EPILOG = """\
exit status:
  0    printed, whatever the runs had found
  2    wrong usage
  3    with --log: the log of a store could not be read
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of the command line."""
    parser = subparsers.add_parser(
        "report",
        help="what the last run, or those of a period, did and found",
        description="Print a digest of the last run, or of all since a day: bags made, audits, replications, repairs and findings.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--since", metavar="DATE", type=_date, help="every run since then: 2026-11-22, 2026-11-22T10:00+01:00")
    when.add_argument("--last", action="store_true", help="the last run alone (this is the default)")
    parser.add_argument("--log", action="store_true", help="read the logs of the stores that answer, too: what other installations did")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the digest, print it, and give the exit status."""
    digest = report(Context.from_environment(), since=args.since, log=args.log)
    if args.json:
        print_json(digest.to_json())
    else:
        print_lines(digest.summary())
    return digest.exit_status


def _date(text: str) -> str:
    """A day or a time, as UTC text.

    >>> _date("2026-11-22"), _date("2026-11-22T01:00+02:00")
    ('2026-11-22T00:00:00Z', '2026-11-21T23:00:00Z')
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date: {text!r}; say 2026-11-22 or 2026-11-22T10:00+01:00") from None
    return utc_text(time if time.tzinfo else time.replace(tzinfo=UTC))
