"""`strongroom show`: what a bag holds and where it lies."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from strongroom.cli.arguments import add_seal, add_source
from strongroom.cli.common import add_json_option, print_report
from strongroom.cli.formats import format_lines
from strongroom.cli.table import table
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.context import Context
from strongroom.usecases.show import ShowReport, Signed, show

_TYPES_SHOWN = 15
_LEFT_OUT_SHOWN = 10


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = "Describe a bag: its bag-info, counts and sizes, stores, validation, exclusions, largest files and formats."
    parser.add_argument("bag", metavar="NAME[/vN]", help="the bag; without vN the latest")
    add_source(parser)
    add_seal(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Read, print, and give the exit status."""
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415 -- keeps --help fast

    report = show(*parse_bag(args.bag), Context.from_environment(), source=args.source, seal=args.seal)
    return print_report(args, report, _lines(report), report.findings)


def _lines(report: ShowReport) -> Iterator[str]:
    facts = [
        ("bag", report.bag), ("seal", report.seal), ("sealed", f"{report.sealed} by {report.software}"),
        ("signed", _signed(report.signed)),
        ("before it", report.previous or "none"),
        ("payload", ", ".join((
            plural(report.files, "file"), human_size(report.bytes), plural(report.folders, "folder"), plural(report.links, "link")))),
        *(("lies in", url if store else f"{url} (not known to the catalogue)") for url, store in report.stores),
    ]
    if isinstance(report.validation, dict):
        facts.append(("validation", ", ".join(_validation(report.validation))))
    yield from _aligned(facts)
    yield ""
    yield "bag-info.txt"
    yield from ("  " + line for line in _aligned([(label, " ".join(value.split("\n"))) for label, value in report.info]))
    if report.formats:
        yield ""
        yield from format_lines(report.formats)
    elif report.types:
        yield ""
        rows = [(kind or "not identified", f"{files:,}", human_size(size)) for kind, files, size in report.types]
        yield from table(("FORMAT", "FILES", "SIZE"), rows[:_TYPES_SHOWN], right=(1, 2))
        if len(rows) > _TYPES_SHOWN:
            yield f"and {len(rows) - _TYPES_SHOWN} more; --json has them"
    if report.largest:
        yield ""
        yield from table(("SIZE", "LARGEST FILES"), [(human_size(size), path) for path, size in report.largest], right=(0,))
    yield from _left_out(report.excluded, "excluded", report.excluded_paths)
    yield from _left_out(report.withheld, "withheld", report.withheld_paths)


def _left_out(count: int, what: str, paths: tuple[tuple[str, str], ...]) -> Iterator[str]:
    if count:
        yield ""
        yield f"{count:,} {what}"
        yield from (f"  {path} ({reason})" for path, reason in paths[:_LEFT_OUT_SHOWN])
        if count > _LEFT_OUT_SHOWN:
            yield "  …"


def _validation(counts: dict[str, object]) -> Iterator[str]:
    """What metadata/validation.json counts. It may come from another hand: what is not there is not said."""
    words = {"records": "records", "invalid": "invalid", "held": "files held back"}
    yield from (f"{counts[key]} {word}" for key, word in words.items() if key in counts)
    yield from (f"{key} {counts[key]}" for key in ("schema", "on_invalid") if key in counts)


def _signed(signed: Signed) -> str:
    """Who signed the seal, in a line."""
    if signed.standing == "trusted":
        return f"by {signed.label} ({signed.key}): trusted"
    standing = "no" if signed.standing == "unsigned" else signed.standing
    return standing + (f", {signed.key}" if signed.key else "")


def _aligned(facts: list[tuple[str, str]]) -> Iterator[str]:
    longest = max((len(label) for label, _ in facts), default=0)
    yield from (f"{label:<{longest}}  {value}" for label, value in facts)
