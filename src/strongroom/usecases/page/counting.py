"""Reading the payload manifests of bags that were not counted yet, each once in the life of the catalogue."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Final

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.holdings import Spool, count_bag, uncounted
from strongroom.core.errors import DamagedBagError, StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.runner.progress import Display
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.sealed.places import Places, Target

NOTABLE: Final = 10  # largest and oldest files of a bag that are remembered


def count(context: Context, known: Known, rows: Iterable[BagRow], catalogue: Catalogue, collector: Collector, display: Display) -> set[str]:
    """Count those of the bags that were not yet. The seals of the bags that could not be read, each with a finding that says why."""
    left = uncounted(catalogue, rows)
    failed: set[str] = set()
    if not left:
        return failed
    with display.stage("reading payload manifests", files=len(left), size=None, unit="bag") as progress:
        for row in left:
            try:
                with context.scratch("page") as scratch:
                    places = Places(known.addresses([row]), collector, [open_kept(context)])
                    bag = open_bag(Target(row.bag, row.seal, places), scratch, collector)
                    spool, notable = Spool(scratch / "contents.sqlite"), _Notable()
                    spool.add(notable.watch(bag))
                    spool.close()
                    notable.check(row)
                    count_bag(catalogue, row, spool.path, notable.found())
            except StrongroomError as error:
                failed.add(row.seal.hex)
                what = f"its payload could not be counted, so it is in no figure about copies: {error}"
                collector.add(Finding(Code.NOT_REACHED, str(row.bag), what))
            progress.advance(1)
    return failed


class _Notable:
    """Keeps the largest and the oldest of the files that pass by."""

    def __init__(self) -> None:
        self._largest: list[tuple[int, str]] = []
        self._oldest: list[tuple[int, str]] = []
        self._bytes = 0

    def watch(self, bag: SealedBag) -> Iterator[tuple[bytes, int]]:
        """(SHA-256, length) of each file. Lengths come from technical.jsonl, in which every file has a line."""
        for entry, detail in bag.described():
            size, changed = detail.get("size"), detail.get("mtime")
            length = size if type(size) is int and size >= 0 else 0
            self._bytes += length
            _keep(self._largest, (length, entry.path))
            if type(changed) is int and changed > 0:  # zero is what unpackers write that know no time
                _keep(self._oldest, (-changed, entry.path))
            yield entry.digest.raw, length

    def check(self, row: BagRow) -> None:
        """Raise DamagedBagError unless the sizes come to what the seal says."""
        if self._bytes != row.bytes:
            raise DamagedBagError(f"{row.bag}: its tag files tell of {self._bytes:,} bytes, and its seal of {row.bytes:,}")

    def found(self) -> dict[str, Any]:
        """{"largest": [[path, bytes], …], "oldest": [[path, nanoseconds since 1970], …]}, the most notable first."""
        return {
            "largest": [[path, size] for size, path in sorted(self._largest, reverse=True)],
            "oldest": [[path, -changed] for changed, path in sorted(self._oldest, reverse=True)],
        }


def _keep(heap: list[tuple[int, str]], item: tuple[int, str]) -> None:
    if len(heap) < NOTABLE:
        heapq.heappush(heap, item)
    elif item > heap[0]:
        heapq.heapreplace(heap, item)
