"""Many documents: `python -m tests.likeness.volume [--documents 100000] [--folder DIR]`.

Makes a collection of web pages under one notice, most of them strangers, with edited copies and stubs planted among them; archives it; and
prints how long the search took, how much memory all its processes had together, and how much of what was planted it found. A second
search, after a hundred more pages, shows what is done again.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path

from tests.bench.measure import measure
from tests.likeness.words import NOTICE, page, vocabulary

_WORDS = vocabulary("volume", 30_000)
_WEIGHTS = list(accumulate(1 / (rank + 20) for rank in range(len(_WORDS))))  # as words are spread in any language
COPIES, STUBS = 10, 25  # every so many-th document has one


def body(number: int) -> list[str]:
    chance = random.Random(number)
    return [" ".join(chance.choices(_WORDS, cum_weights=_WEIGHTS, k=40)) for _ in range(chance.choice((4, 8, 12, 24)))]


def edited(paragraphs: list[str], number: int) -> list[str]:
    chance = random.Random(f"edited {number}")
    return [" ".join(chance.choice(_WORDS) if chance.random() < 0.02 else word for word in one.split()) for one in paragraphs]


def write(folder: Path, first: int, end: int) -> dict[frozenset[str], str]:
    """Documents `first` until before `end`, and what is planted: by pairs of names, "copy" or "stub"."""
    planted = {}
    for number in range(first, end):
        place = folder / f"{number // 1000}"
        place.mkdir(parents=True, exist_ok=True)
        said = body(number)
        (place / f"{number}.html").write_text(page(said, title=f"Page {number}", header=NOTICE))
        if number % COPIES == 0:
            (place / f"{number}-copy.html").write_text(page(edited(said, number), title="A copy", header=NOTICE))
            planted[frozenset((f"{number}.html", f"{number}-copy.html"))] = "copy"
        if number % STUBS == 1:
            stub = said[: max(2, len(said) // 4)]
            (place / f"{number}-stub.html").write_text(page(stub, title="A stub", header=NOTICE))
            planted[frozenset((f"{number}.html", f"{number}-stub.html"))] = "stub"
    return planted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="in all, planted ones included")
    parser.add_argument("--folder", type=Path, help="where there is room for three times the documents (5 kB each)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        root = Path(scratch)
        count = round(args.documents / (1 + 1 / COPIES + 1 / STUBS))
        planted = write(root / "pages", 0, count)
        manifest = root / "pages.yaml"
        manifest.write_text(f"collection: pages\nsource: {root / 'pages'}\nstores: [{root / 'store'}]\n")
        env = os.environ | {"STRONGROOM_HOME": str(root / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
        strongroom = [sys.executable, "-m", "strongroom"]
        for command in (("store", "init", root / "store"), ("archive", manifest, "--quiet", "--no-prefect")):
            subprocess.run([*strongroom, *command], env=env, check=True, stdout=subprocess.DEVNULL)
        search(root, [*strongroom, "similar", "pages", "--quiet", "--no-prefect"], env, planted, "first search")
        planted |= write(root / "pages", count, count + 100)
        subprocess.run([*strongroom, "archive", manifest, "--quiet", "--no-prefect"], env=env, check=True, stdout=subprocess.DEVNULL)
        search(root, [*strongroom, "similar", "pages", "--quiet", "--no-prefect"], env, planted, "second search")


def search(root: Path, command: list[str], env: dict[str, str], planted: dict[frozenset[str], str], name: str) -> None:
    spent = measure(command, env, root / "log")
    print(f"{name}: {spent.wall:.0f} s, {spent.cpu:.0f} s of CPU, {spent.memory / 1e6:.0f} MB in all processes together", flush=True)
    found = pairs(root / "home/catalogue.sqlite")
    for kind in ("copy", "stub"):
        wanted = {names for names, what in planted.items() if what == kind}
        print(f"  {kind}: {len(wanted & found.keys()):,} of {len(wanted):,} planted", flush=True)
    size = (root / "home/likeness.sqlite").stat().st_size
    print(f"  {len(found.keys() - planted.keys()):,} other pairs; likeness.sqlite {size / 1e6:.0f} MB", flush=True)


def pairs(catalogue: Path) -> dict[frozenset[str], float]:
    with sqlite3.connect(catalogue) as db:
        rows = db.execute(
            "SELECT x.path, y.path, p.jaccard FROM likeness_pairs p JOIN likeness_members x ON x.content = p.a "
            "JOIN likeness_members y ON y.content = p.b WHERE p.jaccard >= 0.8 OR p.a_in_b >= 0.6 OR p.b_in_a >= 0.6")
        return {frozenset((a.rpartition("/")[2], b.rpartition("/")[2])): jaccard for a, b, jaccard in rows}


if __name__ == "__main__":
    main()
