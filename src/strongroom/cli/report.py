"""`strongroom report`: what was done lately; with --html, a page about everything that is kept."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from strongroom.cli.common import add_json_option, print_findings, print_lines, print_report
from strongroom.core.errors import UsageError
from strongroom.core.events import utc_text
from strongroom.core.sizes import human_size
from strongroom.usecases.context import Context
from strongroom.usecases.report.run import report

_EPILOG = """\
exit status:
  0    printed, whatever the runs had found
  1    with --html: the collection may not be shown to everybody, and --curator was not given
  2    wrong usage, or wrong attestations
  3    with --log: the log of a store could not be read; with --html: a bag could not be
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Print a digest of the last run, or of all since a day: bags made, audits, replications, repairs and findings. "
        "With --html, write a page of its own about everything that is kept, how, and how soundly."
    )
    parser.epilog = _EPILOG
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--since", metavar="DATE", type=_date, help="every run since then: 2026-11-22, 2026-11-22T10:00+01:00")
    when.add_argument("--last", action="store_true", help="the last run alone (this is the default)")
    parser.add_argument("--log", action="store_true", help="read the logs of the stores that answer, too: what other installations did")
    add_json_option(parser)
    page = parser.add_argument_group("as a page")
    page.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained file for a browser: totals, growth, copies, "
                      "formats, fixity, findings, near-copies, levels of preservation. It is replaced if it is there")
    page.add_argument("name", metavar="NAME", nargs="?", help="with --html: only this collection")
    page.add_argument("--curator", action="store_true", help="with --html: show collections that are restricted, closed or embargoed, too")
    page.add_argument("--attestations", metavar="FILE", type=Path,
                      help="with --html: what the custodian attests (default: attestations.yaml among the collection manifests)")
    page.add_argument("--quiet", action="store_true", help="with --html: no progress")


def run(args: argparse.Namespace) -> int:
    """Make the digest or the page, print it or where it is, and give the exit status."""
    if args.html is not None:
        return _page(args)
    if args.name or args.curator or args.attestations:
        raise UsageError("NAME, --curator and --attestations go with --html FILE")
    digest = report(Context.from_environment(), since=args.since, log=args.log)
    return print_report(args, digest, digest.summary())


def _page(args: argparse.Namespace) -> int:
    from strongroom.runner.progress import choose_display  # noqa: PLC0415 -- the digest needs none of this
    from strongroom.usecases.page.request import PageRequest  # noqa: PLC0415
    from strongroom.usecases.page.run import make_page  # noqa: PLC0415

    if args.json or args.last:
        raise UsageError("--html writes a page; --json and --last go with the digest")
    request = PageRequest(args.html, args.name, args.curator, args.attestations, args.since, args.log)
    report = make_page(request, Context.from_environment(), choose_display(quiet=args.quiet))
    print_findings(report.findings)
    print_lines([f"{report.file}: {human_size(report.size)}; open it in a browser"])
    return report.exit_status


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
