"""`strongroom status`: how each collection stands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from strongroom.cli.common import NOTHING_YET, add_json_option, print_report
from strongroom.cli.table import table
from strongroom.core.findings import Code, Severity
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size, percent
from strongroom.usecases.context import Context
from strongroom.usecases.status import Replica, StatusReport, StoreStatus, status


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Say for each collection and each of its stores whether every bag is there, when it was archived and audited, how much was "
        "read within the policy, and what is overdue and why. From the catalogue alone: no store need be attached."
    )
    parser.add_argument("--ask", action="store_true", help="find out, too, which stores answer at this moment")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Look, print, and give the exit status: 1 when anything is overdue or damaged, else 3 when objects could not be read or a store
    does not answer."""
    report = status(Context.from_environment(), ask=args.ask)
    return print_report(args, report, _lines(report), report.findings)


def _lines(report: StatusReport) -> Iterator[str]:
    if not report.collections:
        yield "the catalogue knows nothing; see above" if report.findings else NOTHING_YET
        return
    rows = [
        (
            one.name, str(len(one.versions)), one.latest or "-", f"{one.files:,}", human_size(one.bytes),
            f"{one.last_archive or '-'} {one.last_outcome or ''}".strip(),
            f"{len(one.stores)}" + (f" ({len(one.behind)} behind)" if one.behind else ""), "OVERDUE" if one.overdue else "",
        )
        for one in report.collections
    ]
    yield from table(("COLLECTION", "BAGS", "LATEST", "FILES", "SIZE", "LAST ARCHIVE", "STORES", ""), rows, right=(1, 3, 4))
    replicas = [_replica(one.name, replica) for one in report.collections for replica in one.replicas]
    if replicas:
        yield ""
        head = ("COLLECTION", "STORE", "BAGS", "LAST AUDIT", "READ WITHIN", "NEVER READ", "LONGEST UNREAD SINCE", "")
        yield from table(head, replicas, right=(2, 4, 5))
    if report.stores:
        yield ""
        stores = [
            (one.url, str(one.bags), _answers(one), f"{one.unsound:,}" if one.unsound else "none",
             f"{one.unreadable:,}" if one.unreadable else "none")
            for one in report.stores
        ]
        yield from table(("STORE", "BAGS", "ANSWERS", "DAMAGED", "UNREADABLE"), stores, right=(1, 3, 4))
    facts = [(one.url, fact) for one in report.stores for fact in one.facts()]
    if facts:
        yield ""
        yield from table(("STORE", "IS FOUND AND SET TO"), [(url if number == 0 or facts[number - 1][0] != url else "", fact)
                                                           for number, (url, fact) in enumerate(facts)])
    taken = [f"at least {one.withheld:,} of {one.name}" for one in report.collections if one.withheld]
    if taken:
        yield ""
        yield f"Contents that are withheld: {', '.join(taken)}. `strongroom show NAME` counts exactly."
    yield ""
    silent = [finding for finding in report.findings if finding.code is Code.UNREACHABLE]
    late = [finding for finding in report.findings if finding.severity is Severity.ERROR and finding not in silent]
    if silent:
        yield f"{plural(len(silent), 'store does', 'stores do')} not answer; see above."
    overdue = f"{plural(len(late), 'thing is', 'things are')} overdue, damaged or cannot be read; see above."
    yield overdue if late else "Nothing is overdue, and nothing is known to be damaged."
    yield "Bytes and signatures are as the last audit found them: `strongroom audit` looks again."
    yield from (f"Note: {note}." for note in report.notes)


def _replica(name: str, one: Replica) -> tuple[str, ...]:
    share = "-" if one.recent_share is None else f"{percent(one.recent_share)} in {one.max_age_days} d"
    bags = f"{one.held}" + (f" of {one.held + len(one.lacking)}" if one.lacking else "")
    late = "OVERDUE" if one.overdue else ""
    return name, one.store, bags, one.last_audit or "never", share, human_size(one.never_bytes), one.oldest or "-", late


def _answers(one: StoreStatus) -> str:
    if one.reachable is None:
        return f"not asked, last seen {one.seen}"
    return "yes" if one.reachable else f"no, last seen {one.seen}"
