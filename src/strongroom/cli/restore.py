"""`strongroom restore`: put a bag, or files of it, back as they were."""

from __future__ import annotations

import argparse
from pathlib import Path

from strongroom.cli.arguments import add_seal, add_source, whole
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.core.warmth import THAWED_DAYS, TIERS, Thawing
from strongroom.usecases.context import Context
from strongroom.usecases.restore.request import RestoreReport, RestoreRequest

_EPILOG = """\
The result appears at DEST when it is complete and every file was verified. Until then it lies in .DEST.partial-… beside DEST, where
the same command goes on after an interruption. If something is lost for good, everything else is kept in DEST.incomplete-… with a
note beside it that names what is missing; the same command completes it once a sound copy can be reached.

A glob without a slash matches a file or folder of that name at any depth; one with a slash is a path from the top; ** stands for any
folders; a final slash for a folder.

What lies in a cold storage class is had from another store if it can be. If not, what thawing it costs is said (exit status 3), and
nothing is asked for without --yes-spend. The same command goes on once it is thawed.

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Restore a bag as a complete, valid BagIt bag, or with --payload-only its files as they were in the source."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("bag", metavar="NAME[/vN]", help="the bag; without vN the latest")
    parser.add_argument("dest", metavar="DEST", type=Path, help="a folder that does not exist yet or is empty (but see --into)")
    parser.add_argument(
        "--payload-only", action="store_true", help="just the files: names, times, modes, empty folders and links as they were")
    parser.add_argument(
        "--path", metavar="GLOB", action="append", default=[], help="only what matches; may be repeated; implies --payload-only")
    add_source(parser)
    parser.add_argument("--into", action="store_true", help="put back into an existing folder what is missing; implies --payload-only")
    add_seal(parser)
    parser.add_argument("--yes-spend", action="store_true", help="have thawed what lies in a cold storage class, which costs money")
    parser.add_argument("--tier", choices=TIERS, default="bulk", help="how fast, and how dear, that is (default: bulk)")
    parser.add_argument("--thaw-days", metavar="DAYS", type=whole(1, 365), default=THAWED_DAYS,
                        help=f"for how long thawed copies can be read (default: {THAWED_DAYS})")
    parser.add_argument("--wait", action="store_true", help="wait for what is being thawed, instead of ending with 3")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Restore, print, and give the exit status."""
    from strongroom.usecases.restore.run import restore  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415

    name, version = parse_bag(args.bag)
    dest = args.dest.absolute()  # a flow may run in another folder
    request = RestoreRequest(
        name, dest, version=version, payload_only=args.payload_only, paths=tuple(args.path), source=args.source, into=args.into,
        seal=args.seal, thawing=Thawing(args.yes_spend, args.wait, args.tier, args.thaw_days),
    )
    parameters = {
        "name": name, "dest": str(dest), "version": version, "payload_only": args.payload_only, "paths": tuple(args.path),
        "source": args.source, "into": args.into, "seal": args.seal.hex if args.seal else None,
        "yes_spend": args.yes_spend, "wait": args.wait, "tier": args.tier, "thaw_days": args.thaw_days,
    }
    report: RestoreReport = run_job(args, "restore", parameters, lambda runner: restore(request, Context.from_environment(), runner))
    return print_report(args, report, report.summary())
