"""`strongroom import`: take in bags that others made."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from strongroom.cli.arguments import add_stores, whole
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.cli.passphrases import add_passphrase_options, use_passphrase
from strongroom.cli.upkeep import store_url
from strongroom.unpacking.limits import Limits
from strongroom.usecases.context import Context

_EPILOG = """\
BAG is a folder, tar, tar.gz or zip, or a folder of these; BagIt 0.93 to 1.0. Each is validated first, and refused whole if anything is
wrong with it: a tag file, a checksum, a member that is no regular file or whose name leads elsewhere. Nothing is fetched. One that is
refused does not keep the others from being imported. What its own tag files say is kept byte for byte.

A bag becomes a collection of its own, named by its External-Identifier; when another with the same one comes, its next version.

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    limits = Limits()
    parser.description = "Validate BagIt bags from anybody as untrusted input, and archive them with where they came from."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("bag", nargs="+", metavar="BAG", help="a bag, or a folder of bags")
    add_stores(parser, "where the bags are to go; may be repeated")
    parser.add_argument(
        "--settings", metavar="FILE.yaml", type=Path,
        help="what the new collections share: a collection manifest without `collection` and `source`")
    parser.add_argument("--collection", metavar="NAME", help="make each bag the next version of this collection")
    parser.add_argument("--staging", metavar="DIR", type=Path, help="where serialised bags are unpacked (default: below STRONGROOM_HOME)")
    parser.add_argument("--fetched", action="store_true", help="take bags with a fetch.txt of which everything was fetched")
    parser.add_argument(
        "--max-files", type=whole(1), default=limits.files, metavar="N", help="members of a serialised bag (default: %(default)s)")
    parser.add_argument("--max-bytes", type=_size, default=limits.size, metavar="SIZE", help="what one may unpack to (default: 1 TiB)")
    parser.add_argument(
        "--max-ratio", type=whole(1), default=limits.ratio, metavar="N",
        help="times its packed size one may unpack to (default: %(default)s)")
    parser.add_argument(
        "--replicate", action=argparse.BooleanOptionalAction, default=True,
        help="bring the bags to the other stores as well, or not (default: do)")
    add_passphrase_options(parser)
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Import, print, and give the exit status."""
    use_passphrase(args)
    from strongroom.usecases.imports.report import ImportReport  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.imports.request import ImportRequest  # noqa: PLC0415
    from strongroom.usecases.imports.run import import_bags  # noqa: PLC0415

    limits = replace(Limits(), files=args.max_files, size=args.max_bytes, ratio=args.max_ratio)
    settings, staging = (path and _absolute(path) for path in (args.settings, args.staging))
    request = ImportRequest(
        tuple(_absolute(Path(bag)) for bag in args.bag), tuple(store_url(url) for url in args.store), settings,
        args.collection, staging, limits, args.fetched, args.replicate,
    )
    parameters = {
        "bags": tuple(map(str, request.bags)), "stores": request.stores, "settings": _text(request.settings),
        "collection": args.collection, "staging": _text(request.staging), "fetched": args.fetched, "replicas": args.replicate,
        "max_files": limits.files, "max_bytes": limits.size, "max_ratio": limits.ratio,
    }
    report: ImportReport = run_job(args, "imports", parameters, lambda runner: import_bags(request, Context.from_environment(), runner))
    return print_report(args, report, report.summary())


def _absolute(path: Path) -> Path:
    """As it was named, but from the root and without `..`, which messages are easier to read without."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _size(text: str) -> int:
    from strongroom.collections.formats import size_bytes  # noqa: PLC0415 -- keeps --help fast

    try:
        return size_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
