"""`strongroom export`: a bag in the form another institution wants."""

from __future__ import annotations

import argparse
from pathlib import Path

from strongroom.cli.arguments import add_seals, add_source
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.usecases.context import Context
from strongroom.usecases.export.request import FORMS, ExportReport, ExportRequest

_EPILOG = """\
The result is a complete BagIt bag, every file verified while it is written. It appears at DEST when it is whole, and never over
anything. Without --profile, --ro-crate and --premis it is the sealed bag, byte for byte. With any of them it is a new bag, which keeps
under metadata/strongroom/ the seal and all that proves the sealed one.

A profile is the JSON file that a receiver publishes (BagIt Profiles 1.4.0 and earlier). What it asks for comes from the collection
manifest as it is now; what is missing is said, with the place to add it, before anything is written.

--as ocfl writes an OCFL 1.1 object with every version of the collection. DEST is the object, or an OCFL storage root, in which it
gets its place; with --ocfl-root a new storage root is made at DEST.

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Write a bag for another institution: as a tar, a zip, a folder or an OCFL object, and for a BagIt profile."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("bag", metavar="NAME[/vN]", help="the bag; without vN the latest (with --as ocfl, NAME: all of them)")
    parser.add_argument("dest", metavar="DEST", type=Path, help="the file or folder to make, such as NAME.tar")
    parser.add_argument("--as", dest="form", choices=FORMS, required=True, help="the form")
    parser.add_argument("--profile", metavar="FILE", type=Path, help="make a bag that keeps to this BagIt profile")
    parser.add_argument("--ro-crate", action="store_true", help="add ro-crate-metadata.json (RO-Crate 1.2)")
    parser.add_argument("--premis", action="store_true", help="add metadata/premis.xml (PREMIS 3.0)")
    parser.add_argument("--ocfl-root", action="store_true", help="with --as ocfl: make a storage root at DEST and put the object in it")
    add_source(parser)
    add_seals(parser, " with --as ocfl")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Export, print, and give the exit status."""
    from strongroom.usecases.export.run import export  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415

    name, version = parse_bag(args.bag)
    request = ExportRequest(
        name, args.dest.absolute(), args.form, version=version, profile=args.profile.absolute() if args.profile else None,
        ro_crate=args.ro_crate, premis=args.premis, ocfl_root=args.ocfl_root, source=args.source, seals=tuple(args.seal),
    )
    parameters = {
        "name": name, "dest": str(request.dest), "form": request.form, "version": version,
        "profile": str(request.profile) if request.profile else None, "ro_crate": request.ro_crate, "premis": request.premis,
        "ocfl_root": request.ocfl_root, "source": request.source, "seals": tuple(seal.hex for seal in request.seals),
    }
    report: ExportReport = run_job(args, "export", parameters, lambda runner: export(request, Context.from_environment(), runner))
    return print_report(args, report, report.summary())
