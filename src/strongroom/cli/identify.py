"""`strongroom identify`: which format stored contents are of, by the signatures of now."""

from __future__ import annotations

import argparse

from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_json, print_lines, run_job
from strongroom.usecases.context import Context


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of the command line."""
    parser = subparsers.add_parser(
        "identify",
        help="identify stored contents again, once signatures are newer",
        description=(
            "Identify the contents of bags by reading them from their stores, as far as the signatures installed now did not judge them "
            "yet. Bags stay as they were sealed; the catalogue and the log of the store learn what is found. A run that was stopped is "
            "carried on by running it again."
        ),
        epilog=EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", nargs="?", metavar="NAME[/vN]", help="a bag, or all bags of a collection (default: every bag that is known)")
    parser.add_argument("--from", metavar="URL", dest="source", help="read from this store first, which the catalogue need not know")
    add_run_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Identify, print, and give the exit status."""
    from strongroom.core.errors import UsageError  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.identify.report import IdentifyReport  # noqa: PLC0415
    from strongroom.usecases.identify.run import identify  # noqa: PLC0415
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415

    name, version = parse_bag(args.bag) if args.bag else (None, None)
    if args.source and name is None:
        raise UsageError("--from needs a NAME: which bags are to be read there")
    parameters = {"name": name, "version": version, "source": args.source}
    report: IdentifyReport = run_job(
        args, "identify", parameters, lambda runner: identify(Context.from_environment(), runner, **parameters),
    )
    if args.json:
        print_json(report.to_json())
    else:
        print_lines(report.summary())
    return report.exit_status
