"""What the verbs share: options about running, and printing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from strongroom.cli.arguments import whole
from strongroom.core.findings import Finding, printable

if TYPE_CHECKING:
    from strongroom.runner.local import LocalRunner
    from strongroom.usecases.recording import Report as AnyReport

Report = TypeVar("Report", bound="AnyReport")

EXIT_STATUSES: Final = """\
exit status:
  0    all well; there may be warnings and notes
  1    findings of severity error (damage, refused metadata, unreadable files, …)
  2    wrong usage or a wrong collection manifest; nothing was done
  3    could not do it (store or source not there, disk full, …), unless 1 applies as well
  130  interrupted
"""

#: Where no bag is known, and none ever was.
NOTHING_YET: Final = ("nothing is archived yet: `strongroom init FOLDER` begins a collection; what stores hold already, "
                      "`strongroom rebuild --store URL` learns")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options of verbs that work on many files."""
    parser.add_argument("--workers", type=whole(1, 10_000), metavar="N",
                        help="processes that read and hash (default: one for each CPU, or thread of a Dask cluster)")
    parser.add_argument(
        "--prefect", action=argparse.BooleanOptionalAction, default=None,
        help="run as a Prefect flow, or not (default: if a Prefect API is configured by PREFECT_API_URL or a profile)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, messages or notes; warnings and errors are shown")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document on standard output")


def run_job(args: argparse.Namespace, flow: str, parameters: dict[str, Any], local: Callable[[LocalRunner], Report]) -> Report:
    """Do a job as the Prefect flow `flow` with `parameters`, or by `local` on the local runner, as `args` (add_run_options) want it."""
    from flows import engine  # noqa: PLC0415 -- keeps --help fast

    if engine.wanted(args.prefect):
        report: Report = engine.run(flow, **parameters, workers=args.workers, quiet=args.quiet)
        return report
    from strongroom.runner.local import LocalRunner  # noqa: PLC0415
    from strongroom.usecases.context import Context  # noqa: PLC0415
    from strongroom.usecases.recording import recording  # noqa: PLC0415

    context = Context.from_environment()
    with (
        LocalRunner(args.workers, quiet=args.quiet, scratch=context.scratch_folder) as runner,
        recording(context, flow, parameters, warn) as run,
    ):
        run.report = report = local(runner)
        return report


class Printable(Protocol):
    """A report that a verb can end with."""

    @property
    def exit_status(self) -> int: ...
    def to_json(self) -> object: ...


def print_report(args: argparse.Namespace, report: Printable, lines: Iterable[str], findings: Iterable[Finding] = ()) -> int:
    """A report as `args` (add_json_option) want it: JSON, or `findings` on standard error and `lines` for people. The exit status."""
    if args.json:
        print_json(report.to_json())
    else:
        print_findings(findings)
        print_lines(lines)
    return report.exit_status


def warn(message: str) -> None:
    """Something that went wrong beside the job itself, on standard error."""
    print(f"warning: {printable(message)}", file=sys.stderr)


def print_json(document: object) -> None:
    """One JSON document on standard output, in UTF-8 whatever the locale."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    _write(text + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Lines for people on standard output; nothing in them can steer a terminal."""
    for line in lines:
        _write(printable(line) + "\n")


def print_findings(findings: Iterable[Finding]) -> None:
    """Findings on standard error, one a line: "warning: PLACE: MESSAGE [CODE]"."""
    for finding in findings:
        print(finding, file=sys.stderr)


def _write(text: str) -> None:
    # A lone surrogate (a name that is not UTF-8) becomes \udcXX, which is right in JSON and readable elsewhere.
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error
