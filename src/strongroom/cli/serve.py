"""`strongroom serve`: run the schedules of every collection."""

from __future__ import annotations

import argparse
import os
import sys

from strongroom.cli.arguments import whole
from strongroom.cli.common import print_findings, print_lines
from strongroom.usecases.context import Context
from strongroom.usecases.serve.plan import DUE, plan


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Archive and audit each collection as the `schedule` of its collection manifest says, and run `due` daily, until stopped. "
        "Collections are those of the manifests folder and those that were archived before; start it again when a schedule was "
        "changed. Runs in Prefect: at the API that is configured, or with a server of its own on 127.0.0.1."
    )
    parser.add_argument("--due", metavar="CRON", default=DUE, help="when to run `strongroom due`, or `never` (default: %(default)s)")
    parser.add_argument("--at-once", metavar="N", type=whole(1), default=1,
                        help="jobs that may run at the same time (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="print what would run when, and end")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    context = Context.from_environment()
    jobs, findings = plan(context, due=None if args.due == "never" else args.due)
    print_findings(findings)
    if args.dry_run:
        print_lines(map(str, jobs))
        return 0
    from flows import serve  # noqa: PLC0415 -- keeps --help fast

    for job in jobs:
        print(job, file=sys.stderr)
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")  # whoever serves wants to see what runs
    serve.serve(jobs, context.home / "prefect", at_once=args.at_once)
    return 0
