"""`strongroom due`: do whatever the attached stores need."""

from __future__ import annotations

import argparse

from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.cli.upkeep import add_collections, add_spool, manifest_paths
from strongroom.usecases.context import Context


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Do whatever the stores that are attached now need: bring what is behind, read again what is due, heal what is damaged. "
        "This is what one runs after plugging a disk in."
    )
    add_collections(parser)
    add_spool(parser)
    parser.add_argument("--from-source", action="store_true", help="heal from the sources of the collections as well, by digest")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Do what is due, print, and give the exit status."""
    from strongroom.usecases.due.run import DueReport, due  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.replicate.manifests import load_manifests  # noqa: PLC0415

    paths, context = manifest_paths(args), Context.from_environment()
    manifests, findings = load_manifests(paths, context)
    flags = {"spool_bytes": args.spool_bytes, "from_source": args.from_source}
    report: DueReport = run_job(
        args, "due", {"manifests": paths, **flags}, lambda runner: due(manifests, context, runner, findings=findings, **flags),
    )
    return print_report(args, report, report.summary())
