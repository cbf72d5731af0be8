"""`strongroom verify BAG`: validate any BagIt bag on disk."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from strongroom.cli.arguments import whole
from strongroom.cli.common import add_json_option
from strongroom.core.canonical import dumps
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import printable
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.context import Context
from strongroom.usecases.profiles import read_profile
from strongroom.usecases.verify import VerifyReport, verify
from strongroom.usecases.verify.serialised import verify_file

_EPILOG = """\
Warnings (legal but dangerous) and errors go to standard error, the verdict to standard output. Nothing is written into the bag,
and nothing is fetched. A serialised bag (tar, tar.gz, zip) is unpacked below STRONGROOM_HOME or --staging and removed again; what
is unsafe to unpack, or can be read in two ways, is refused.

exit status:
  0    the bag is valid; there may be warnings
  1    the bag is not valid; every error is listed with the file it is about. Or the file is refused
  2    wrong usage, such as a BAG that is not there
  3    the bag could not be verified
  130  interrupted
"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Validate a BagIt bag: complete, well-formed, and every checksum right. Any bag, ours or not, versions 0.93 to 1.0."
    )
    parser.epilog = _EPILOG
    parser.add_argument("bag", metavar="BAG", type=Path, help="the folder that holds bagit.txt, or a tar, tar.gz or zip of it")
    parser.add_argument("--staging", metavar="DIR", type=Path, help="where a serialised bag is unpacked (default: below STRONGROOM_HOME)")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="hold the bag against this BagIt profile as well (1.4.0 and earlier)")
    add_json_option(parser)
    parser.add_argument("--workers", type=whole(1, 10_000), default=os.cpu_count() or 1, metavar="N",
                        help="processes that hash (default: one per CPU)")


def run(args: argparse.Namespace) -> int:
    """Verify, print, and give the exit status."""
    try:
        profile = read_profile(args.profile) if args.profile else None
        if args.bag.is_file():
            report = verify_file(args.bag, Context.from_environment(), staging=args.staging, workers=args.workers, profile=profile)
        else:
            report = verify(args.bag, workers=args.workers, profile=profile)
    except StrongroomError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return error.exit_status
    for finding in report.findings:
        print(finding, file=sys.stderr)
    sys.stderr.flush()
    # Bytes, because standard output may be ASCII and the names are not.
    sys.stdout.flush()
    sys.stdout.buffer.write(dumps(report.to_json()) if args.json else _verdict(report).encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()
    return 0 if report.valid else 1


def _verdict(report: VerifyReport) -> str:
    verdict = "valid" if report.valid else "NOT VALID"
    warnings = len(report.findings) - report.errors
    return (
        f"{printable(report.bag)}: {verdict}: BagIt {report.version}, {plural(report.payload_files, 'payload file')}, "
        f"{human_size(report.payload_bytes)}, {plural(report.errors, 'error')}, {plural(warnings, 'warning')}\n"
    )
