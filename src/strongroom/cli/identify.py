"""`strongroom identify`: which format stored contents are of, by the signatures of now."""

from __future__ import annotations

import argparse

from strongroom.cli.arguments import add_source, bag_or_none
from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.usecases.context import Context


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Identify the contents of bags by reading them from their stores, as far as the signatures installed now did not judge them "
        "yet. Bags stay as they were sealed; the catalogue and the log of the store learn what is found. A run that was stopped is "
        "carried on by running it again."
    )
    parser.add_argument("bag", nargs="?", metavar="NAME[/vN]", help="a bag, or all bags of a collection (default: every bag that is known)")
    add_source(parser)
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Identify, print, and give the exit status."""
    from strongroom.core.errors import UsageError  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.identify.report import IdentifyReport  # noqa: PLC0415
    from strongroom.usecases.identify.run import identify  # noqa: PLC0415

    name, version = bag_or_none(args)
    if args.source and name is None:
        raise UsageError("--from needs a NAME: which bags are to be read there")
    parameters = {"name": name, "version": version, "source": args.source}
    report: IdentifyReport = run_job(
        args, "identify", parameters, lambda runner: identify(Context.from_environment(), runner, **parameters),
    )
    return print_report(args, report, report.summary())
