"""What 10 TB, 1 PB and 10⁹ files come to, computed from measured costs: python -m tests.bench.simulate

Costs of one file, pack and bag are in units.json (python -m tests.bench.units measures them), prices in prices.json. Writes docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.bench import scale
from tests.bench.place import ROOT
from tests.bench.scale import LIBRARIES, Library, Site

HERE = Path(__file__).parent
_KINDS = ("put", "get", "head", "list")
_COMMANDS = {"archive": "first archiving, with reading back", "audit": "audit of everything", "restore": "restore of everything"}


_HEAD = """\
# What a large library comes to

Written by `python -m tests.bench.simulate`; a test holds that it is up to date. Nothing of these sizes was run: figures are computed
from what one file, one pack and one bag was measured to cost on small collections (at the end), and a test holds the computation against
a real run: objects and requests to the number, bytes within three per cent. Hours are those of the resource that takes longest, with
nothing else in the way.

**Assumed:** {site.workers} workers of {site.cores} cores, {site.gigabits:g} Gbit/s to the store, {site.requests:,.0f} requests and
{site.commits:,.0f} rows into the catalogue a second, everything read again within {site.days} days. These are assumptions and no
measurements; all can be given (`--help`), and `--library` prints the same page for a library of yours.
"""
_REMEDIES = """\
What helps: for the network, workers next to the store, or a faster line; for processors, more workers; for requests, more prefixes (a
store for each group of collections); for the catalogue, a machine with fast disks. A lost one is made again by `rebuild`.
"""
_COLD = """\
*Cold*: with infra/s3/lifecycle.json, packs and large contents in the class that is read at once. Storage is that of one replica; workers,
and network inside a region, are not in it. A restore of everything out of the region costs {out_of_region:g} a GB more.
"""
_MEASURED = """\
Requests and bytes: {measured[requests]}, catalogue: {measured[catalogue]}, on {machine[CPU]}, {machine[memory]}, Python
{machine[Python]}, SeaweedFS on the same machine.
"""
_CATALOGUE = """\
The processor's rows are those of docs/benchmarks.md: no formats are identified in them, and the store is a folder; the cost of S3's client
is not in them. A restore's is of one row, with an audit's cost of a MB.
The catalogue was a file of SQLite, compact; PostgreSQL takes more. A further version costs its tag files again, packs for what is new, and
in the catalogue a row for what is new: of what did not change, nothing is listed twice there.
"""


def render(units: dict[str, Any], prices: dict[str, Any], site: Site, libraries: Sequence[Library] = LIBRARIES) -> str:
    """docs/scale.md."""
    names = [one.name for one in libraries]
    described = [[one.name, f"{one.collections:,}", f"{one.small:,} of {_size(one.small_bytes)}",
                  f"{one.large:,} of {_size(one.large_bytes)}" if one.large else "none"] for one in libraries]
    sizes = [
        ["payload", *(_size(one.bytes) for one in libraries)], ["files", *(f"{one.files:,}" for one in libraries)],
        ["stored, one replica", *(_size(scale.stored(one, units)) for one in libraries)],
        ["objects in the store", *(f"{scale.objects(one, units):,}" for one in libraries)],
        ["catalogue", *(_size(scale.catalogue(one, units)) for one in libraries)],
    ]
    parts = [
        _HEAD.format(site=site), *_table(["library", "collections", "small files in each", "large files in each"], described),
        "## In the way first\n", *_table(["library", "bottleneck"], [[one.name, scale.bottleneck(one, site, units)] for one in libraries]),
        _REMEDIES, "## Sizes\n", *_table(["", *names], sizes), "## Requests\n", *_table(["", *names], _requests(units, libraries)),
        "## Hours\n", *_table(["", *names], _hours(site, units, libraries)), f"## Money ({prices['currency']})\n",
        f"Prices: {prices['as_of']}.\n", *_table(["", *names], _money(site, units, prices, libraries)),
        _COLD.format(**prices["gigabyte"]), "## What one costs, as measured\n", _MEASURED.format(**units), *_units(units), _CATALOGUE,
    ]
    return "\n".join(parts).rstrip() + "\n"


def _requests(units: dict[str, Any], libraries: Sequence[Library]) -> list[list[str]]:
    names = {"archive": _COMMANDS["archive"], "unchanged": "a night without change, every collection", "audit": _COMMANDS["audit"],
             "restore": _COMMANDS["restore"]}
    return [[name, *(f"{sum(scale.requests(one, command, units).values()):,}" for one in libraries)] for command, name in names.items()]


def _hours(site: Site, units: dict[str, Any], libraries: Sequence[Library]) -> list[list[str]]:
    rows = []
    for command, name in _COMMANDS.items():
        found = [scale.times(one, command, site, units) for one in libraries]
        longest = [max(times.items(), key=lambda item: item[1]) for times in found]
        rows.append([name, *(f"{hours:,.0f} ({what})" for what, hours in longest)])
        rows.append([f"{name}: processors alone", *(f"{times['processors']:,.1f}" for times in found)])
    return rows


def _money(site: Site, units: dict[str, Any], prices: dict[str, Any], libraries: Sequence[Library]) -> list[list[str]]:
    found = [scale.money(one, site, units, prices) for one in libraries]
    names = {"once": "requests of the first archiving, and of growing cold", "month": "a month, warm", "month_cold": "a month, cold",
             "year_audit": "audits of a year, warm", "year_audit_cold": "audits of a year, cold"}
    return [[name, *(f"{getattr(one, field):,.0f}" for one in found)] for field, name in names.items()]


def _units(units: dict[str, Any]) -> list[str]:
    asked = [[command, *(f"{cost[kind]['fixed']:g} + {cost[kind]['pack']:g} + {cost[kind]['large']:g}" for kind in _KINDS)]
             for command, cost in units["requests"].items()]
    processor = [[command, f"{1e6 * cost['file']:,.0f} µs", f"{1e3 * cost['megabyte']:,.2f} ms", cost["measured"]["machine"]]
                 for command, cost in units["processor"].items()]
    kept = [["tag files, for each file of a bag", f"{units['bytes']['file']:g}"],
            ["catalogue, for each file", f"{units['catalogue']['file']:g}"]]
    return [
        *_table(["requests: of a run + for each pack + for each large content", "PUT and POST", "GET", "HEAD", "LIST"], asked),
        *_table(["CPU time", "a file", "a MB", "measured on"], processor), *_table(["bytes", ""], kept),
    ]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return [*lines, ""]


def _size(size: float) -> str:
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:,.4g} {unit}"
    return f"{size:g} B"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulate", description=__doc__)
    for one in fields(Site):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=one.default, help=f"default {one.default:g}")
    parser.add_argument("--library", nargs=6, metavar=("NAME", "COLLECTIONS", "SMALL", "BYTES", "LARGE", "BYTES"),
                        help="this one, printed, instead of the three: small and large files in each collection, and their mean sizes")
    parser.add_argument("--prices", type=Path, default=HERE / "prices.json")
    parser.add_argument("--units", type=Path, default=HERE / "units.json")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "scale.md")
    args = parser.parse_args(arguments)
    site = Site(**{one.name: getattr(args, one.name) for one in fields(Site)})
    units, prices = json.loads(args.units.read_text()), json.loads(args.prices.read_text())
    if args.library:
        name, *numbers = args.library
        print(render(units, prices, site, [Library(name, *map(int, numbers))]), end="")
        return 0
    args.to.write_text(render(units, prices, site))
    return 0


if __name__ == "__main__":
    sys.exit(main())
