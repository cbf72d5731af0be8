"""`strongroom repair`: heal what audits found damaged or missing."""

from __future__ import annotations

import argparse

from strongroom.cli.arguments import add_stores
from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.cli.upkeep import store_url
from strongroom.usecases.context import Context


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Heal what the last audits found damaged or missing, after looking again: sound bytes from any store within reach, or from the "
        "source of the collection, are written beside what is damaged. Nothing is overwritten or deleted."
    )
    add_stores(parser, "only this store; may be repeated (default: all)")
    parser.add_argument("--from-source", action="store_true", help="take contents from the sources of the collections as well, by digest")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Repair, print, and give the exit status."""
    from strongroom.usecases.repair.report import RepairReport  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.repair.run import repair  # noqa: PLC0415
    from strongroom.usecases.replicate.manifests import known_manifests  # noqa: PLC0415

    stores, context = tuple(store_url(text) for text in args.store), Context.from_environment()
    manifests, findings = known_manifests(context) if args.from_source else ([], [])
    report: RepairReport = run_job(
        args, "repair", {"stores": stores, "from_source": args.from_source},
        lambda runner: repair(context, runner, stores=stores, manifests=manifests, findings=findings),
    )
    return print_report(args, report, report.summary())
