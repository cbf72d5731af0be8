"""What one file, one pack, one bag costs, measured on real runs: python -m tests.bench.units [--only requests|catalogue|processor]

Written to units.json beside this file, with date and machine. The processor's seconds are taken from results.jsonl, which
python -m tests.bench measured."""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from strongroom.core.pack import BLOCK
from tests.bench.counted import KINDS, SMALL, Counted, counting
from tests.bench.machine import describe
from tests.bench.place import FILES, environment, make_corpus

UNITS = Path(__file__).with_name("units.json")
RESULTS = Path(__file__).with_name("results.jsonl")
_CORPORA = (10_000, 50_000)  # files, of the small profile
#: Rows of results.jsonl from which the processor's seconds are computed.
_PROCESSOR = ("archive-small", "archive-mixed", "audit-small", "audit-mixed", "restore-small")


def requests(folder: Path) -> dict[str, Any]:
    """By command and kind: `fixed` for a run, `pack` and `large` for each of these, `any_large` where there is one. Four equations."""
    with counting() as count:
        one, many, single, large = (count.collection(folder / name, *shape) for name, shape in (
            ("one", (200, 0)), ("many", (1000, 0)), ("single", (200, 1)), ("large", (200, 3))))
    found: dict[str, Any] = {}
    for command, first in one.requests.items():
        found[command] = {}
        for kind in KINDS:
            pack = _slope(many.requests[command][kind] - first[kind], many.packs - one.packs)
            each = _slope(large.requests[command][kind] - single.requests[command][kind], large.large - single.large)
            found[command][kind] = {"fixed": first[kind] - pack * one.packs, "pack": pack, "large": each,
                                    "any_large": single.requests[command][kind] - first[kind] - each}
    bag = (many.bytes["bags"] - one.bytes["bags"]) / 800
    framed = BLOCK + -(-SMALL // BLOCK) * BLOCK
    index = (many.bytes["packs"] - one.bytes["packs"]) / 800 - framed  # in the pack and beside it, with its ends
    return {
        "requests": found,
        "objects": {"fixed": one.objects - 2 * one.packs, "pack": 2, "large": _slope(large.objects - one.objects, large.large)},
        "bytes": {"fixed": sum(_rest(one)) - round(200 * bag), "file": round(bag, 1), "index": round(index, 1)},
    }


def _rest(counted: Counted) -> list[int]:
    return [size for top, size in counted.bytes.items() if top not in ("packs", "content")]


def _slope(more: int, units: int) -> float:
    """Whole where it can be: 2 requests a pack, and not 2.0."""
    value = more / units
    return int(value) if value == int(value) else round(value, 3)


def catalogue(folder: Path) -> dict[str, Any]:
    """Bytes of a catalogue of SQLite for each file, from two corpora after three versions each, in which one small file changed."""
    sizes, rows, means = {}, {}, []
    for files in _CORPORA:
        corpus = make_corpus(folder / f"corpus-{files}", "small", files, [])
        home = folder / f"home-{files}"
        env = {**environment(home), "STRONGROOM_HOME": str(home / "state")}
        (home / "c.yaml").write_text(f"collection: c\nsource: {corpus}\nstores: [{home / 'store'}]\nidentify: false\n")
        _run(env, "store", "init", str(home / "store"))
        for note in ("first", "second", "third"):
            (corpus / "note.txt").write_text(note)
            _run(env, "archive", str(home / "c.yaml"), "--quiet", "--no-prefect")
        file = home / "state" / "catalogue.sqlite"
        with closing(sqlite3.connect(file)) as database:
            database.execute("VACUUM")
            rows[str(files)] = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                                for table in ("bags", "places", "source_files")}
        sizes[str(files)] = file.stat().st_size
        means.append(sum(path.stat().st_size for path in corpus.rglob("*") if path.is_file()) / files)
    few, many = _CORPORA
    return {"catalogue": {"file": round((sizes[str(many)] - sizes[str(few)]) / (many - few), 1), "measured": sizes, "rows": rows},
            "small_corpus_mean": round(means[0])}


def _run(env: dict[str, str], *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "strongroom", *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"strongroom {' '.join(arguments)}: {done.stdout}{done.stderr}")


def processor(small_mean: int) -> dict[str, Any]:
    """CPU seconds for each file and each MB, of two rows with many files and many bytes: two equations for each command."""
    rows: dict[str, list[float]] = {}
    machines = {}
    for line in map(json.loads, RESULTS.read_text().splitlines()):
        if line["row"] in _PROCESSOR and line["who"] == "strongroom" and line["scale"] == 1:
            rows.setdefault(line["row"], []).append(line["cpu"])
            machines[line["row"]] = f"{line['machine']['CPU']}, {line['time']}"
    mixed_mb = _mixed_megabytes()
    found = {}
    for command in ("archive", "audit"):
        small, mixed = median(rows[f"{command}-small"]), median(rows[f"{command}-mixed"])
        small_mb = FILES["small"] * small_mean / 1e6
        # small = files × a + small_mb × b, mixed = 5000 × a + mixed_mb × b
        determinant = FILES["small"] * mixed_mb - FILES["mixed"] * small_mb
        found[command] = {"file": (small * mixed_mb - mixed * small_mb) / determinant,
                          "megabyte": (mixed * FILES["small"] - small * FILES["mixed"]) / determinant,
                          "measured": {"small": small, "mixed": mixed, "machine": machines[f"{command}-small"]}}
    restore = median(rows["restore-small"])
    megabyte = found["audit"]["megabyte"]  # of the one row that there is: a restore reads and hashes as an audit does, the rest is files
    found["restore"] = {"file": restore / FILES["small"] - megabyte * small_mean / 1e6, "megabyte": megabyte,
                        "measured": {"small": restore, "machine": machines["restore-small"]}}
    for one in found.values():
        one["file"], one["megabyte"] = round(max(0.0, one["file"]), 8), round(max(0.0, one["megabyte"]), 6)
    return {"processor": found}


def _mixed_megabytes() -> float:
    """Of the mixed corpus at scale 1: what ours stored of it, less nothing, for nothing in it is double."""
    stored = [line["stored"] for line in map(json.loads, RESULTS.read_text().splitlines())
              if line["row"] == "archive-mixed" and line["who"] == "strongroom" and line["scale"] == 1]
    return median(stored) / 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    parts = ("requests", "catalogue", "processor")
    parser = argparse.ArgumentParser(prog="python -m tests.bench.units", description=__doc__)
    parser.add_argument("--only", choices=parts, nargs="+", default=parts)
    parser.add_argument("--to", type=Path, default=UNITS)
    args = parser.parse_args(arguments)
    units = json.loads(args.to.read_text()) if args.to.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in args.only:
            measure = {"requests": requests, "catalogue": catalogue}.get(part)
            units |= measure(folder) if measure else processor(units["small_corpus_mean"])
            units.setdefault("measured", {})[part] = datetime.now(UTC).date().isoformat()
            units["machine"] = {key: text for key, text in describe(folder).items() if key != "programs"}
            args.to.write_text(json.dumps(units, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
