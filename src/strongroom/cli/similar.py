"""`strongroom similar`: which files are near-copies of each other."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from strongroom.cli.arguments import amount
from strongroom.cli.common import add_json_option, add_run_options, print_report, run_job
from strongroom.core.plural import plural
from strongroom.usecases.context import Context

if TYPE_CHECKING:
    from strongroom.catalogue.likeness import Pair
    from strongroom.usecases.likeness.report import Shown, SimilarReport

_CLUSTERS_SHOWN = 50
_CONTENTS_SHOWN = 12
_PAIRS_SHOWN = 12


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Compare the texts (HTML, plain text, Markdown, PDF) and pictures of collections, in all their versions, with each other and "
        "with those of other collections that were compared before, and print clusters of near-copies. What many documents of a "
        "collection share (notices, headers, menus) does not count. Nothing is ever dropped or left out for likeness. What was done "
        "once is remembered. Collections whose access is not open, or embargoed, are told of only where they are named."
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="collections; none: all that everybody may see")
    parser.add_argument("--threshold", type=amount(0.5, 1), default=0.8, metavar="SHARE",
                        help="how much two texts must share of all they say to be called alike, from 0.5 to 1 (default: 0.8)")
    parser.add_argument("--contained", type=amount(0.5, 1), default=0.6, metavar="SHARE",
                        help="how much of a text must be found in another to be called contained in it, from 0.5 to 1 (default: 0.6)")
    add_run_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Search, print, and give the exit status."""
    from strongroom.usecases.likeness.run import SimilarRequest, similar  # noqa: PLC0415 -- keeps --help fast

    names = tuple(dict.fromkeys(args.names))
    parameters = {"names": names, "threshold": args.threshold, "contained": args.contained}
    request = SimilarRequest(names, threshold=args.threshold, contained=args.contained)
    report: SimilarReport = run_job(args, "similar", parameters, lambda runner: similar(request, Context.from_environment(), runner))
    return print_report(args, report, _lines(report))



def _lines(report: SimilarReport) -> Iterator[str]:
    for number, shown in enumerate(report.clusters[:_CLUSTERS_SHOWN], 1):
        yield from _cluster(number, shown)
        yield ""
    if len(report.clusters) + report.more > _CLUSTERS_SHOWN:
        more = plural(len(report.clusters) + report.more - _CLUSTERS_SHOWN, "more cluster")
        yield f"and {more}; --json has up to 1,000, and a --threshold nearer to 1 shows fewer"
    for path, why in report.unreadable[:_CONTENTS_SHOWN]:
        yield f"not compared: {path}: {why}"
    if len(report.unreadable) > _CONTENTS_SHOWN:
        yield f"and {len(report.unreadable) - _CONTENTS_SHOWN:,} more that could not be compared; --json has them"
    yield from report.summary()


def _cluster(number: int, shown: Shown) -> Iterator[str]:
    contents = shown.cluster.contents
    names = {content: f"{number}.{at}" for at, content in enumerate(contents, 1)}
    yield f"cluster {number}: {plural(len(contents), 'content')}"
    for content in contents[:_CONTENTS_SHOWN]:
        for at, one in enumerate(shown.members[content]):
            versions = f"v{one.first}" if one.first == one.last else f"v{one.first}–v{one.last}"
            copies = f", and {plural(one.files - 1, 'copy', 'copies')} of it" if one.files > 1 else ""
            path = one.path.removeprefix("data/")
            yield f"  {names[content] if not at else '':<6} {one.collection}/{versions}  {path}{copies}"
    if len(contents) > _CONTENTS_SHOWN:
        yield f"         and {len(contents) - _CONTENTS_SHOWN:,} more"
    for pair in shown.cluster.pairs[:_PAIRS_SHOWN]:
        yield f"  {names[pair.a]} and {names[pair.b]}: {_score(pair)}; {pair.differs}"
    if shown.cluster.count > _PAIRS_SHOWN:
        yield f"  and {plural(shown.cluster.count - _PAIRS_SHOWN, 'more pair')}"


def _score(pair: Pair) -> str:
    return f"{pair.jaccard:.0%} alike".replace("%", " %")
