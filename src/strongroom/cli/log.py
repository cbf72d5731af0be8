"""`strongroom log`: whether what stores tell of the past agrees, and what they tell."""

from __future__ import annotations

import argparse
from typing import Final

from strongroom.cli.arguments import add_stores, whole
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.usecases.context import Context

_VERIFY: Final = """\
Every store keeps a log, in chains that nobody can change unseen, and every seal names the ends of the chains it found. This reads
every byte of the logs and seals of the stores and tells apart: an altered event, a missing link, a store that was put back to an
older state, a bag that was removed with its seal, two histories of one writer, and a store that is merely behind, which is a note.
One store alone cannot show that its newest part was not cut off; any other store, or this machine's catalogue, can.

"""
_STORES: Final = "may be repeated (default: the stores that are known)"


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    verbs = parser.add_subparsers(dest="log_verb", required=True, metavar="VERB")
    verify = verbs.add_parser(
        "verify", help="compare the logs and seals of stores", description="Compare the logs and seals of stores.",
        epilog=_VERIFY + EXIT_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_stores(verify, _STORES)
    add_run_options(verify)
    add_json_option(verify)
    verify.set_defaults(run_log=run_verify)
    show = verbs.add_parser(
        "show", help="the events of a bag, a collection or a store, newest last",
        description="Print the events that the logs of stores hold, newest last, each once.",
        epilog=EXIT_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    show.add_argument("bag", nargs="?", metavar="NAME[/vN]", help="only events that name it (default: all)")
    add_stores(show, _STORES)
    show.add_argument("--last", type=whole(0), default=100, metavar="N", help="at most so many, the newest (default 100; 0: all)")
    add_json_option(show)
    show.set_defaults(run_log=run_show)


def run(args: argparse.Namespace) -> int:
    """Do what the verb under `log` says, and give the exit status."""
    status: int = args.run_log(args)
    return status


def run_verify(args: argparse.Namespace) -> int:
    """Verify, print, and give the exit status."""
    from strongroom.cli.upkeep import store_url  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.history.report import LogReport  # noqa: PLC0415
    from strongroom.usecases.history.run import verify_logs  # noqa: PLC0415

    stores = tuple(store_url(url) for url in args.store)
    report: LogReport = run_job(
        args, "logs", {"stores": stores}, lambda runner: verify_logs(stores, Context.from_environment(), runner))
    return print_report(args, report, report.summary())


def run_show(args: argparse.Namespace) -> int:
    """Print events, and give the exit status."""
    from strongroom.usecases.history.show import show_log  # noqa: PLC0415 -- keeps --help fast

    told = show_log(args.bag, args.store, Context.from_environment(), last=args.last)
    return print_report(args, told, told.lines())
