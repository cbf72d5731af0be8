"""`strongroom handover`: a complete signed package for another institution, and the receipt that comes back."""

from __future__ import annotations

import argparse
from pathlib import Path

from strongroom.cli.arguments import add_seals, add_source
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.cli.passphrases import add_passphrase_options, use_passphrase
from strongroom.core.errors import UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.handover.report import HandoverReport, HandoverRequest, ReceiptReport

_EPILOG = """\
The package holds every version of the collections as complete BagIt bags, their seals, what the logs say of them, public keys, an
inventory with all digests, signed where a key is set, and a README.txt that tells the receiver how to check all of it with sha256sum
and minisign. The receiver fills in receipt.json, signs it if possible and sends it back; --receipt holds it against what was handed
over. Both are recorded in the logs of the stores that hold the bags.

  strongroom handover website maps /media/disk/for-the-library
  strongroom handover --receipt receipt.json --key the-library.pub

"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Make a package of collections for another institution, or take the receipt for one."
    parser.usage = "strongroom handover [options] NAME... DEST\n       strongroom handover [options] --receipt FILE"
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("what", nargs="*", metavar="NAME... DEST", help="collections, and last the folder to make")
    parser.add_argument("--as", dest="form", choices=("tar", "zip"), default="tar", help="what each bag is (default: tar)")
    add_source(parser)
    add_seals(parser)
    receipt = parser.add_argument_group("taking a receipt")
    receipt.add_argument("--receipt", metavar="FILE", type=Path, help="the receipt that came back")
    receipt.add_argument("--signature", metavar="FILE", type=Path, help="its minisign signature (default: FILE.minisig, if there is one)")
    receipt.add_argument("--key", metavar="FILE", type=Path, help="the receiver's public key")
    receipt.add_argument("--inventory", metavar="FILE", type=Path, help="inventory.json of the package, where STRONGROOM_HOME has lost it")
    add_passphrase_options(parser)
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Make a package or take a receipt, print, and give the exit status."""
    if args.receipt is not None:
        if args.what:
            raise UsageError("--receipt takes a receipt and makes no package: leave out NAME and DEST")
        return _receipt(args)
    if len(args.what) < 2:
        raise UsageError("name the collections to hand over, and last the folder to make: strongroom handover NAME... DEST")
    from strongroom.core.ids import check_collection_name  # noqa: PLC0415 -- keeps --help fast
    from strongroom.usecases.handover.run import handover  # noqa: PLC0415

    use_passphrase(args)
    names = tuple(check_collection_name(name) for name in args.what[:-1])
    request = HandoverRequest(names, Path(args.what[-1]).absolute(), args.form, args.source, tuple(args.seal))
    parameters = {
        "names": names, "dest": str(request.dest), "form": request.form, "source": request.source,
        "seals": tuple(seal.hex for seal in request.seals),
    }
    report: HandoverReport = run_job(args, "handover", parameters, lambda runner: handover(request, Context.from_environment(), runner))
    return _print(args, report)


def _receipt(args: argparse.Namespace) -> int:
    from strongroom.runner.local import LocalRunner  # noqa: PLC0415
    from strongroom.usecases.handover.receipt import take_receipt  # noqa: PLC0415

    with LocalRunner(1, quiet=args.quiet) as runner:
        report = take_receipt(
            args.receipt, Context.from_environment(), runner, signature=args.signature, key=args.key, inventory=args.inventory)
    return _print(args, report)


def _print(args: argparse.Namespace, report: HandoverReport | ReceiptReport) -> int:
    return print_report(args, report, report.summary())
