"""Two stores with the same bags, and ways to hurt them."""

from __future__ import annotations

import hashlib
import os

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import CheckRow, record_checks
from strongroom.core.events import utc_now
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.repair.run import repair
from tests.replicate.conftest import Place, place, runner

__all__ = ["place", "runner"]
BOTH = ["one", "two"]


class Hurt:
    """Damages objects of file stores and tells the catalogue what an audit would have found."""

    def __init__(self, made: Place) -> None:
        self.place = made
        self.damaged: dict[str, bytes] = {}

    def flip(self, store: str, key: str, at: int | None = None) -> None:
        path = self.place.folder(store) / key
        data = bytearray(path.read_bytes())
        expected = hashlib.sha256(data).hexdigest()
        data[len(data) // 2 if at is None else at] ^= 0x20
        path.chmod(0o644)
        path.write_bytes(data)
        self.damaged[f"{store}/{key}"] = bytes(data)
        self.tell(store, key, CheckOutcome.DAMAGED, expected, hashlib.sha256(data).hexdigest())

    def flip_member(self, store: str, content: bytes) -> str:
        """Hurt the pack that holds `content`, in that content. The pack's key."""
        for path in self.place.folder(store).glob("packs/*/*.tar"):
            at = path.read_bytes().find(content)
            if at >= 0:
                key = str(path.relative_to(self.place.folder(store)))
                self.flip(store, key, at)
                return key
        raise AssertionError(content)

    def remove(self, store: str, key: str) -> None:
        path = self.place.folder(store) / key
        expected = hashlib.sha256(path.read_bytes()).hexdigest()
        path.unlink()
        self.tell(store, key, CheckOutcome.MISSING, expected)

    def tell(self, store: str, key: str, outcome: CheckOutcome, expected: str | None, found: str | None = None) -> None:
        with Catalogue.open(self.place.context.catalogue) as catalogue:
            url = next(row for row in catalogue.stores() if row.url.endswith(f"store-{store}"))
            number = catalogue.see_store(url.id, url.url)
            known = expected if (key.startswith(("packs", "content", "bags")) and "/bag/" in key) or "packs" in key else None
            record_checks(catalogue, number, [CheckRow(StoreKey(key), 1, outcome, utc_now(), 1, known, found)])

    def unsound(self, store: str) -> list[str]:
        from strongroom.catalogue.checks import unsound

        with Catalogue.open(self.place.context.catalogue) as catalogue:
            row = next(row for row in catalogue.stores() if row.url.endswith(f"store-{store}"))
            return [check.key.text for check in unsound(catalogue, catalogue.see_store(row.id, row.url))]

    def nothing_was_overwritten(self) -> bool:
        return all((self.place.root / f"store-{name}").read_bytes() == data for name, data in self.damaged.items())

    def repair(self, **options):
        return repair(self.place.context, self.place.runner, **options)


@pytest.fixture
def hurt(place):
    for number in range(30):
        place.write("site", f"pages/{number}.html", b"page %d of the site" % number)
    place.write("site", "large.bin", os.urandom(5 << 20))
    place.archive("site", BOTH)
    place.write("site", "pages/new.html", b"in the second version")
    place.archive("site", BOTH)
    place.replicate("site", BOTH)
    return Hurt(place)
