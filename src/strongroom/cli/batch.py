"""`strongroom batch`: have the provider compute checksums of cold objects, and compare them."""

from __future__ import annotations

import argparse

from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.cli.upkeep import store_url
from strongroom.usecases.context import Context

_EPILOG = EXIT_STATUSES + """
3 also while the job is only priced, or runs: the same command goes on with it.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Audit packs and large contents in cold storage classes of Amazon S3 without thawing them: S3 Batch Operations computes their "
        "SHA-256 where they lie, for money that is said first, and they are compared here with the digests in their names. Run it "
        "again until it has compared them."
    )
    parser.epilog = _EPILOG
    parser.add_argument("store", metavar="URL", help="the store, s3://BUCKET/PREFIX")
    parser.add_argument("--yes-spend", action="store_true", help="have the job made, which costs money")
    parser.add_argument("--account", metavar="ID", help="the AWS account that the job is made for")
    parser.add_argument("--role", metavar="ARN", help="the role that the service acts as")
    parser.add_argument("--reports", metavar="URL", help="s3://BUCKET/PREFIX, apart from the store, for its list of objects and its report")
    parser.add_argument("--everything", action="store_true", help="packs and large contents in warm classes as well")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Do the next step, print, and give the exit status."""
    from strongroom.usecases.batch.report import BatchReport  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.batch.run import BatchRequest, batch  # noqa: PLC0415

    parameters = {
        "store": store_url(args.store), "account": args.account, "role": args.role, "reports": args.reports, "spend": args.yes_spend,
        "everything": args.everything,
    }
    report: BatchReport = run_job(
        args, "batch", parameters, lambda runner: batch(BatchRequest(**parameters), Context.from_environment(), runner))
    return print_report(args, report, report.summary())
