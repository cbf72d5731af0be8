"""`strongroom archive`: make the next bag of one or more collections."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from strongroom.cli.common import add_json_option, add_run_options, print_json, print_lines, run_job
from strongroom.cli.passphrases import add_passphrase_options, use_passphrase
from strongroom.collections import CollectionManifest, find, load
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import printable
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.after import archive_and_replicate


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Make the next bag of each collection named: scan, fingerprint, check metadata, store what is new, seal, and read back what "
        "was stored. A collection that has not changed since its last bag gets no new one."
    )
    parser.add_argument("collection", nargs="+", metavar="FILE.yaml|NAME", help="a collection manifest, or the name of one in manifests/")
    parser.add_argument("--dry-run", action="store_true", help="store nothing; say what would happen and the space it needs")
    parser.add_argument("--accept-loss", action="store_true", help="go on although more files vanished than max_loss allows")
    parser.add_argument("--reread", action="store_true", help="read every file again, even those that look unchanged")
    parser.add_argument(
        "--replicate", action=argparse.BooleanOptionalAction, default=True,
        help="bring the bags to the other stores of the collection as well, or not (default: do)")
    parser.add_argument("--no-sign", dest="sign", action="store_false", help="do not sign the seal, although this installation has a key")
    add_passphrase_options(parser)
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Archive each in turn; one that cannot be done does not keep the others from it. Gives the exit status."""
    use_passphrase(args)
    paths = [Path(os.path.abspath(find(name))) for name in args.collection]
    described = [(path, load(path)) for path in paths]  # all of them, before anything is done
    reports: list[ArchiveReport] = []
    failures: list[dict[str, str]] = []
    statuses: list[int] = []
    for path, manifest in described:
        try:
            report = _archive(args, path, manifest)
        except StrongroomError as error:
            if len(described) == 1:
                raise
            print(f"strongroom: {printable(manifest.name)}: {printable(str(error))}", file=sys.stderr)
            failures.append({"collection": manifest.name, "error": str(error)})
            statuses.append(error.exit_status)
            continue
        reports.append(report)
        statuses.append(report.exit_status)
        if not args.json:
            print_lines(report.summary())
    if args.json:
        documents = [report.to_json() for report in reports]
        print_json(documents[0] if len(described) == 1 else {
            "format": "strongroom-archive-reports/1", "reports": documents, "failures": failures,
        })
    return worst(statuses)


def _archive(args: argparse.Namespace, path: Path, manifest: CollectionManifest) -> ArchiveReport:
    flags = {"dry_run": args.dry_run, "accept_loss": args.accept_loss, "reread": args.reread, "replicas": args.replicate, "sign": args.sign}
    return run_job(
        args, "archive", {"collection": manifest.name, "manifest": str(path), **flags},
        lambda runner: archive_and_replicate(manifest, Context.from_environment(), runner, **flags),
    )


def worst(statuses: list[int]) -> int:
    """One exit status for several jobs: damage (1) says more than "could not" (3), which says more than wrong usage (2)."""
    return min(statuses, key=(1, 3, 2, 0).index, default=0)
