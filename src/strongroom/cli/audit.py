"""`strongroom audit`: read stored bytes again, and compare them with the digests they should have."""

from __future__ import annotations

import argparse
import re

from strongroom.cli.arguments import DAYS, add_stores, amount, bag_or_none
from strongroom.cli.common import EXIT_STATUSES, add_json_option, add_run_options, print_report, run_job
from strongroom.usecases.audit.report import AuditReport
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.context import Context

_EPILOG = """\
What was never read is read first, then what was unread longest. With a limit, each run reads on where the one before stopped until
everything was read once; then a new round begins. Without, everything is read; a run that was cut off is gone on with. Limits that are
not given here are those of the collection manifests that name the store: the lowest age, the smallest budgets; of an age, two thirds.

Damage is read twice, the second time past caches, before it is said. A store that does not answer is unreachable (exit status 3), and
nothing in it is called missing. Results are kept in the store itself, below checks/, and in the catalogue.

"""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Audit the fixity of everything stored, or of what one collection or bag needs."
    parser.epilog = _EPILOG + EXIT_STATUSES
    parser.add_argument("bag", nargs="?", metavar="NAME[/vN]", help="only what this collection or bag needs")
    add_stores(parser, "only this store; may be repeated (default: all known)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--full", action="store_true", help="read every byte now, whatever the collection manifests say of ages and budgets")
    mode.add_argument("--quick", action="store_true", help="read no byte: listing, sizes and the checksums stores keep")
    parser.add_argument("--max-bytes", metavar="N", type=_size, help="read about so much of each store (500G, 20GiB)")
    parser.add_argument("--max-minutes", metavar="M", type=amount(0), help="begin nothing in a store after so many minutes")
    parser.add_argument("--max-age", metavar="DAYS", type=amount(0, DAYS), help="read only what was not read within so many days")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Audit, print, and give the exit status."""
    from strongroom.usecases.audit.run import audit  # noqa: PLC0415 -- keeps --help fast

    name, version = bag_or_none(args)
    request = AuditRequest(name, version, tuple(args.store), args.quick, args.max_bytes, args.max_minutes, args.max_age, args.full)
    parameters = {
        "name": name, "version": version, "stores": request.stores, "quick": request.quick, "max_bytes": request.max_bytes,
        "max_minutes": request.max_minutes, "max_age_days": request.max_age_days,
        "everything": request.everything,
    }
    report: AuditReport = run_job(args, "audit", parameters, lambda runner: audit(request, Context.from_environment(), runner))
    return print_report(args, report, report.summary())


def _size(text: str) -> int:
    """A number of bytes.

    >>> _size("1.5GiB"), _size("20G")
    (1610612736, 20000000000)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?", text.strip(), re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"not a size: {text!r}; say 500G, 20GiB or a number of bytes")
    return max(1, int(float(match[1]) * _UNITS[(match[2] or "").lower()]))
