"""`strongroom replicate`: bring every bag to every store it belongs in."""

from __future__ import annotations

import argparse

from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.cli.upkeep import add_collections, add_spool, manifest_paths
from strongroom.usecases.context import Context


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Bring every bag to every store that its collection manifest names and that is attached, verified on the way and after. "
        "A store marked `offline` may be absent. What cannot be brought until two stores are attached together is said."
    )
    add_collections(parser)
    add_spool(parser)
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Replicate, print, and give the exit status."""
    from strongroom.usecases.replicate.manifests import load_manifests  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.replicate.report import ReplicateReport  # noqa: PLC0415
    from strongroom.usecases.replicate.run import replicate  # noqa: PLC0415

    paths, context = manifest_paths(args), Context.from_environment()
    manifests, findings = load_manifests(paths, context)
    report: ReplicateReport = run_job(
        args, "replicate", {"manifests": paths, "spool_bytes": args.spool_bytes},
        lambda runner: replicate(manifests, context, runner, spool_bytes=args.spool_bytes, findings=findings),
    )
    return print_report(args, report, report.summary())
