"""Every row of the table: its name, what makes its tries, how many the long set has, and how many `make test`.

A row is called with an empty folder, a seeded random.Random and a number of tries; it yields what went wrong in each (nothing: good).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults import catalogue, disks, kills, property, races, secrets, shared, sources
from tests.faults.disks import can_mount
from tests.fixtures.postgres import postgres_tools

Tries = Callable[[Path, random.Random, int], Iterator[list[str]]]


@dataclass(frozen=True)
class Row:
    """`long` 0: as many tries as there are steps to be killed after. `short` 0: not in `make test`."""

    name: str
    tries: Tries
    long: int
    short: int
    mounts: bool = False  # needs to mount small file systems: root
    postgres: bool = False  # needs a server of PostgreSQL
    sqlite: bool = False  # says nothing about a catalogue there

    def lacks(self) -> str:
        """What is not here that it needs; "" if nothing."""
        if self.mounts and not can_mount():
            return "mounting small file systems needs root"
        return "PostgreSQL's initdb is not here" if self.postgres and postgres_tools() is None else ""


ROWS = (
    *(Row(f"kill {verb} at any moment", kills.at_any_moment(verb), 200, 1) for verb in kills.VERBS),
    *(Row(f"kill {verb} after each step", kills.after_each_step(verb), 0, short)
      for verb, short in zip(kills.VERBS, (4, 1, 1, 1, 1, 1, 1, 2), strict=True)),
    Row("SIGTERM and Ctrl-C", kills.interrupted, 100, 2),
    Row("disk full, no inodes", disks.full, 60, 4, mounts=True),
    Row("file size limit", disks.limited, 30, 1),
    Row("fsync fails", disks.failing, 40, 1),
    Row("durable before the seal", disks.durable, 3, 1),
    Row("one collection, two homes at once", races.two_homes, 100, 6),
    Row("one collection, one home at once", races.one_home, 100, 1),
    Row("overtaken after a step", races.overtaken, 60, 1),
    Row("swept after a step", races.swept, 60, 2),
    Row("two collections, same contents at once", races.same_contents, 30, 1),
    Row("machines that share a catalogue", shared.machines, 60, 3, postgres=True),
    Row("forked versions", races.forked, 5, 1),
    Row("clock ten years off", races.wrong_clock, 4, 2),
    Row("file changes during the run", sources.changing, 100, 4),
    Row("FIFOs, sockets, devices, links", sources.special, 2, 2),
    Row("paths over 4,096 bytes", sources.deep, 5, 1),
    Row("sparse 100 GB, planned", sources.sparse_planned, 1, 1),
    Row("sparse 5 GB, archived and restored", sources.sparse_archived, 1, 0),
    Row("1,000,000 files", sources.many, 1, 0),
    Row("catalogue damaged", catalogue.damaged, 70, 3, sqlite=True),
    Row("catalogue older than the store", catalogue.older, 4, 1, sqlite=True),
    Row("random lives against a model", property.lives, 300, 4),
    Row("canary credentials", secrets.nowhere, 2, 1),
)
