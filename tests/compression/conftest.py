"""A collection with `compression: zstd`, and its stores opened by hand."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.restore import RestoreRequest, restore
from tests.replicate.conftest import Place, runner

__all__ = ["Pressed", "pressed", "runner"]
SETTINGS = "compression: zstd\n"


class Pressed:
    """The collection `notes`, archived to the store `one`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        for number in range(300):
            place.write("notes", f"texts/{number}.txt", b"line %d of a long text about compression\n" % number * (number * 2))
        for number in range(5):
            place.write("notes", f"noise/{number}", random.Random(number).randbytes(20_000))
        place.write("notes", "empty", b"")
        place.write("notes", "large.txt", b"large " * 900_000)

    def archive(self, stores: tuple[str, ...] = ("one",), settings: str = SETTINGS, name: str = "notes"):
        return self.place.archive(name, list(stores), settings)

    def audit(self, **options):
        return audit(AuditRequest(**options), self.place.context, self.place.runner)

    def restore(self, name: str = "restored", **options):
        dest = self.place.root / name
        report = restore(RestoreRequest("notes", dest, payload_only=True, **options), self.place.context, self.place.runner)
        return report, tree(Path(report.result))

    def source(self) -> dict[str, bytes]:
        return tree(self.place.source("notes"))

    def packs(self, end: str = "tar.zst", store: str = "one") -> list[Path]:
        return sorted(self.place.folder(store).glob(f"packs/*/*.{end}"))

    def members(self, pack: Path) -> list[dict]:
        return [json.loads(line) for line in pack.with_name(pack.name.split(".")[0] + ".jsonl").read_text().splitlines()][:-1]

    def flip(self, pack: Path, at: int) -> set[str]:
        """Flip a bit of a pack; the contents of the frame that it lies in, by SHA-256."""
        data = bytearray(pack.read_bytes())
        data[at] ^= 0x40
        pack.chmod(0o644)
        pack.write_bytes(data)
        return {one["sha256"] for one in self.members(pack) if one["frame"][0] <= at < sum(one["frame"])}

    def features(self, store: str = "one") -> list[str]:
        return json.loads(sorted(self.place.folder(store).glob("strongroom*.json"))[0].read_bytes())["features"]


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def pressed(tmp_path, runner):
    place = Place(tmp_path, runner)
    place.add_store("one")
    place.add_store("two")
    made = Pressed(place)
    assert made.archive().exit_status == 0
    return made
