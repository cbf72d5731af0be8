"""A run in words: the same in `strongroom report`, in messages and in Prefect's artifacts."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.catalogue.runs import RunRow
from strongroom.core.events import parse_utc
from strongroom.core.findings import printable

_ENDS = {
    "good": "all well", "errors": "errors were found", "incomplete": "not everything could be done", "failed": "failed",
    "interrupted": "interrupted", "under way": "under way, or cut off",
}


def headline(run: RunRow) -> str:
    """One line: "archive site: errors were found (exit status 1)"."""
    what = " ".join(part for part in (run.job, run.collection, run.store and f"({run.store})") if part)
    status = f" (exit status {run.exit_status})" if run.exit_status else ""
    return printable(f"{what}: {_ENDS.get(run.outcome, run.outcome)}{status}")


def run_lines(run: RunRow, *, findings: int) -> Iterator[str]:
    """The headline, when it was, what the job said, and its gravest findings, at most so many."""
    yield headline(run)
    yield f"  {run.started}{_took(run)}"
    for line in run.summary.get("lines", ()):
        yield f"  {printable(line)}"
    counts = run.summary.get("counts", {})
    if any(counts.values()):
        yield "  findings: " + ", ".join(f"{count:,} of severity {severity}" for severity, count in counts.items() if count)
    shown = run.summary.get("findings", ())[:findings]
    for one in shown:
        yield printable(f"  {one['severity']}: {one['place']}: {one['message']} [{one['code']}]")
    more = sum(counts.values()) - len(shown)
    if more > 0:
        yield f"  … and {more:,} more"


def markdown(run: RunRow) -> str:
    """The same as an artifact of a flow run."""
    lines = [f"    {line}" for line in list(run_lines(run, findings=50))[1:]]
    return f"# {headline(run)}\n\n" + "\n".join(lines) + "\n"


def _took(run: RunRow) -> str:
    began, ended = parse_utc(run.started), parse_utc(run.ended or "")
    if began is None or ended is None:
        return ""
    seconds = int((ended - began).total_seconds())
    return f", {seconds:,} s" if seconds < 600 else f", {seconds // 60:,} min"
