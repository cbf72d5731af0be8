"""`strongroom rebuild`: make the catalogue again from stores alone."""

from __future__ import annotations

import argparse

from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.usecases.context import Context

_EPILOG = """\
The catalogue is only an index of what stores hold: losing it loses no bag. The new one takes its place when it is complete. One that
was there before is kept under another name; one with which nothing is wrong stays unless --replace is given. A few things only the
catalogue knew, such as when an unchanged source was last read: docs/operations.md lists them.

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Make the catalogue again from what lies in stores: seals, tag files, indexes, results of audits, logs."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("--store", metavar="URL", action="append", required=True, help="a store to learn from; may be repeated")
    parser.add_argument("--deep", action="store_true", help="read all that is stored, and believe no index")
    parser.add_argument("--replace", action="store_true", help="even if the catalogue there is sound")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Rebuild, print, and give the exit status."""
    from strongroom.cli.upkeep import store_url  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.rebuild.report import RebuildReport  # noqa: PLC0415
    from strongroom.usecases.rebuild.run import RebuildRequest, rebuild  # noqa: PLC0415

    request = RebuildRequest(tuple(store_url(url) for url in args.store), args.deep, args.replace)
    parameters = {"stores": request.stores, "deep": request.deep, "replace": request.replace}
    report: RebuildReport = run_job(args, "rebuild", parameters, lambda runner: rebuild(request, Context.from_environment(), runner))
    return print_report(args, report, report.summary())
