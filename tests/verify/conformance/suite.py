"""A checkout of the Library of Congress conformance suite, run as its own harness would: by the command line and its exit status.

`python -m tests.verify.conformance.suite FOLDER` prints what went wrong and the count. The suite lies in VERSION/OUTCOME/BAG.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from strongroom.cli.main import main
from tests.verify.snapshot import snapshot

#: Exit status by the folder that a bag lies in. What is for other systems only is left out.
STATUS = {"valid": 0, "warning": 0, "invalid": 1, "linux-only": 1}


def cases(suite: Path) -> Iterator[Path]:
    """The bags that apply on Linux."""
    for bag in sorted(suite.glob("v*/*/*")):
        if bag.is_dir() and bag.parent.name in STATUS:
            yield bag


def wrong(bag: Path) -> str | None:
    """What `strongroom verify` got wrong about the bag."""
    before = snapshot(bag)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in range(2))
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        status = main(["verify", str(bag)])
    said = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    if snapshot(bag) != before:
        return "it was changed"
    if status != STATUS[bag.parent.name]:
        return f"exit status {status}: {said}"
    return "no warning" if bag.parent.name == "warning" and "warning:" not in said else None


if __name__ == "__main__":
    bags = list(cases(Path(sys.argv[1])))
    failed = [(bag, problem) for bag in bags if (problem := wrong(bag)) is not None]
    for bag, problem in failed:
        print(f"{bag}: {problem}")
    print(f"{len(bags) - len(failed)} of {len(bags)}")
    sys.exit(1 if failed else 0)
