"""`strongroom retain`: keep what bags need locked, as the policies of the stores say."""

from __future__ import annotations

import argparse

from strongroom.cli.arguments import add_stores
from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.cli.upkeep import store_url
from strongroom.usecases.context import Context


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Look at the Object Lock of every object in stores whose collection manifests say `retention`, and extend those of which less "
        "than half the time is left. What is withheld, or condemned by a sweep, is left to run out. No lock is ever shortened. `due` does "
        "it, too."
    )
    add_stores(parser, "only this store; may be repeated (default: all that have a retention)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be extended")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Extend, print, and give the exit status."""
    from strongroom.usecases.retain.report import RetainReport  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.retain.run import retain  # noqa: PLC0415

    stores = tuple(store_url(text) for text in args.store)
    report: RetainReport = run_job(
        args, "retain", {"stores": stores, "dry_run": args.dry_run},
        lambda runner: retain(Context.from_environment(), runner, stores=stores, dry_run=args.dry_run),
    )
    return print_report(args, report, report.summary())
