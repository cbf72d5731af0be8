"""`python -m tests.faults.mutations [NAME…]`: break the product in each way, run the tests that must notice, and say whether they did.

Works on copies; exit status 1 if a breakage is not noticed. NAME: only breakages whose name has this in it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import Queue

from tests.faults.mutations.table import MUTATIONS, Mutation

#: More than any of these tests takes, in seconds: a breakage may make one wait for ever.
_LONGEST = 900
_ROOT = Path(__file__).parents[3]
_PARTS = ("src", "flows", "schemas", "tests", "corpus", "manifests", "docs", "pyproject.toml", "README.md")


def copy_tree(target: Path) -> None:
    """What the tests need."""
    for part in _PARTS:
        source = _ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif source.exists():
            shutil.copy2(source, target / part)


def run(tree: Path, tests: tuple[str, ...], longest: float | None = _LONGEST) -> subprocess.CompletedProcess[str]:
    """Pytest in `tree`, with the interpreter that runs this; what the tree holds comes before what is installed, in every process."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=longest, check=False)


def caught(tree: Path, mutation: Mutation) -> tuple[bool, str]:
    """Whether a test fails once `mutation` is made, and pytest's last words. The tree is as before afterwards."""
    file = tree / "src/strongroom" / mutation.file
    text = file.read_text()
    broken = text
    for old, new in mutation.edits:
        if broken.count(old) != 1:
            return False, f"the text to replace stands {broken.count(old)} times in {mutation.file}: {old!r}"
        broken = broken.replace(old, new)
    compile(broken, str(file), "exec")  # a breakage that is no Python is caught by anything
    file.write_text(broken)
    try:
        result = run(tree, mutation.tests)
    except subprocess.TimeoutExpired:
        return False, "the tests did not end"
    finally:
        file.write_text(text)
    last = (result.stdout.strip().splitlines() or [result.stderr[-200:]])[-1]
    return result.returncode == 1 and " failed" in last, last  # 1: tests failed; anything else is trouble of another kind


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="breakages at once (default: as many as there are cores)")
    args = parser.parse_args()
    chosen = [one for one in MUTATIONS if not args.names or any(name in one.name for name in args.names)]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, ThreadPoolExecutor(args.jobs) as threads:
        trees: Queue[Path] = Queue()
        for number in range(args.jobs):
            copy_tree(Path(folder) / str(number))
            trees.put(Path(folder) / str(number))
        tests = tuple(sorted({test for mutation in chosen for test in mutation.tests}))
        whole = run(trees.queue[0], ("-n", str(args.jobs), "--dist", "loadgroup", *tests), longest=None)
        if whole.returncode != 0:  # a test that fails anyway would seem to notice everything
            print(f"{whole.stdout}\nthe tests fail without any breakage: put that right first", file=sys.stderr)
            return 1
        for done in as_completed([threads.submit(_try, trees, mutation) for mutation in chosen]):
            noticed, line = done.result()
            missed += not noticed
            print(line, flush=True)
    print(f"{len(chosen)} breakages, {missed} not noticed")
    return 1 if missed else 0


def _try(trees: Queue[Path], mutation: Mutation) -> tuple[bool, str]:
    """Whether it was noticed, and a line that says so."""
    tree, start = trees.get(), time.perf_counter()
    try:
        noticed, last = caught(tree, mutation)
    finally:
        trees.put(tree)
    line = f"{'caught    ' if noticed else 'NOT CAUGHT'}  {time.perf_counter() - start:5.1f} s  {mutation.name}"
    return noticed, line if noticed else f"{line}\n            {last}"


if __name__ == "__main__":
    sys.exit(main())
