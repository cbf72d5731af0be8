"""`strongroom diff`: what differs between two bags."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from strongroom.cli.arguments import add_source
from strongroom.cli.common import add_json_option, print_findings, print_lines
from strongroom.usecases.context import Context
from strongroom.usecases.diff import KINDS, Change, DiffReport, diff

_MARKS = {"added": "+", "removed": "-", "renamed": ">", "altered": "!", "metadata": "."}


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = (
        "Say what was added (+), removed (-), renamed (>) or altered (!) between two bags, and what has only another mode or time (.)."
    )
    parser.add_argument("before", metavar="A", help="a bag, NAME/vN")
    parser.add_argument("after", metavar="B", help="another one; vN alone means the same collection, NAME its latest bag")
    add_source(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compare, print, and give the exit status, which does not tell whether they differ."""
    from strongroom.usecases.sealed.places import parse_bag  # noqa: PLC0415 -- keeps --help fast

    before = parse_bag(args.before)
    after = parse_bag(f"{before[0]}/{args.after}" if re.fullmatch(r"v[0-9]+", args.after) else args.after)
    with diff(before, after, Context.from_environment(), source=args.source) as report:
        if args.json:
            print_document(report)
        else:
            print_findings(report.findings)
            print_lines(_lines(report))
        return report.exit_status


def print_document(report: DiffReport) -> None:
    """The JSON document on standard output, its list of changes streamed: there may be millions."""
    out = sys.stdout.buffer
    sys.stdout.flush()
    head = json.dumps(report.head(), ensure_ascii=False)
    out.write(head[:-1].encode("utf-8", "backslashreplace") + b', "changes": [')
    before = b"\n"
    for change in report.changes():
        out.write(before + json.dumps(change.to_json(), ensure_ascii=False).encode("utf-8", "backslashreplace"))
        before = b",\n"
    out.write(b"]}\n")
    out.flush()


def _lines(report: DiffReport) -> Iterator[str]:
    for change in report.changes():
        slash = "/" if change.kind == "directory" else ""
        line = f"{_MARKS[change.change]} {change.path.rstrip('/')}{slash}"
        if change.before is not None:
            line += f"  (was {change.before})"
        yield line + _details(change)
    yield f"{report.before} to {report.after}: " + ", ".join(
        f"{report.counts[kind]:,} {'with other metadata' if kind == 'metadata' else kind}" for kind in KINDS)


def _details(change: Change) -> str:
    parts = []
    if change.left_out is not None:
        parts.append(f"left out: {change.left_out}")
    if change.change == "altered" and change.kind == "file":
        same = change.old_size == change.new_size
        parts.append("content, of the same size" if same else f"content, {_size(change.old_size)} to {_size(change.new_size)} bytes")
    if change.old_mode != change.new_mode:
        parts.append(f"mode {change.old_mode or '-'} to {change.new_mode or '-'}")
    if change.old_mtime != change.new_mtime:
        parts.append(f"time {_time(change.old_mtime)} to {_time(change.new_mtime)}")
    return f"  ({', '.join(parts)})" if parts else ""


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size:,}"


def _time(mtime: int | None) -> str:
    """Nanoseconds since 1970 as UTC: "2026-11-22T10:00:00.123456789Z"."""
    if mtime is None:
        return "-"
    seconds, rest = divmod(mtime, 1_000_000_000)
    try:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{mtime} ns"
    return f"{text}.{rest:09}Z" if rest else f"{text}Z"
