"""Rows: the catalogue is missing, cut short, overwritten, older than the store, or of a newer program.

It is a cache: nothing may rest on it.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tests.faults import reading
from tests.faults.oracle import converges, judge
from tests.faults.place import Place, payload

_PAGE = 4096


def _missing(file: Path, _: random.Random) -> None:
    file.unlink()


def _truncated(file: Path, chance: random.Random) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: chance.randrange(1, len(data))])


def _emptied(file: Path, _: random.Random) -> None:
    file.write_bytes(b"")


def _pages_flipped(file: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data) // _PAGE) * _PAGE
        data[at : at + _PAGE] = chance.randbytes(_PAGE)
    file.write_bytes(data)


def _bits_flipped(file: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(200):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def _text(file: Path, _: random.Random) -> None:
    file.write_text("This is not a database.\n" * 500)


def _newer(file: Path, _: random.Random) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE alembic_version SET version_num = 'another'")
        db.commit()


WAYS: dict[str, Callable[[Path, random.Random], None]] = {
    "missing": _missing, "pages flipped": _pages_flipped, "newer": _newer, "truncated": _truncated, "text": _text,
    "bits flipped": _bits_flipped, "emptied": _emptied,
}
#: Those that nobody can overlook.
_REFUSED = {"newer", "text"}


def damaged(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Refused with the way out, or gone on without: never a bag that is not the source, nor one that is lost."""
    template = _two_versions(folder / "template", chance)
    for number in range(tries):
        what = list(WAYS)[number % len(WAYS)]
        place = _copied(template, folder / str(number))
        WAYS[what](place.root / "home/catalogue.sqlite", chance)
        place.edit(chance)
        result = place.archive()
        wrong = judge(place, None, result, allowed={3} if what in _REFUSED else {0, 1, 3})
        if result.status == 3 and ("catalogue.sqlite" not in result.err or "strongroom rebuild --store" not in result.err):
            wrong.append(f"the way out is not named: {result.err}")
        if result.status == 0 and reading.newest(place.store, place.name) != payload(place.source):
            wrong.append("success, and the newest bag is not the source")
        listed = place.run("list")
        wrong += judge(place, None, listed, allowed={0, 1, 3})
        shutil.rmtree(place.root / "home")  # the way out
        wrong += converges(place, place.archive)
        labels = sorted(seal["bag"] for seal in reading.sealed(place.store).values())
        if len(set(labels)) != len(labels):
            wrong.append(f"a number was used again: {labels}")
        yield [f"catalogue {what}: {one}" for one in wrong]


def older(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """The catalogue is put back from before the last bags: the next one follows those all the same."""
    for number in range(tries):
        place = Place(folder / str(number)).make()
        assert place.archive().status == 0
        shutil.copytree(place.root / "home", place.root / "backup")
        for _ in range(2):
            place.edit(chance)
            assert place.archive().status == 0
        shutil.rmtree(place.root / "home")
        (place.root / "backup").rename(place.root / "home")
        if number % 2:
            place.edit(chance)
        wrong = converges(place, place.archive)
        labels = sorted(seal["bag"] for seal in reading.sealed(place.store).values())
        if labels != [f"site/v{one}" for one in range(1, 4 + number % 2)]:
            wrong.append(f"unexpected bags: {labels}")
        wrong += judge(place, None, place.run("audit", "--no-prefect", "--quiet"), allowed={0})
        yield wrong


def _two_versions(root: Path, chance: random.Random) -> Place:
    place = Place(root).make()
    for number in range(80):
        place.write(f"{number % 7}/{number}", chance.randbytes(200))
    assert place.archive().status == 0
    place.edit(chance)
    assert place.archive().status == 0
    return place


def _copied(template: Place, root: Path) -> Place:
    """The same place elsewhere. The catalogue does not mind: a store is known by its id."""
    shutil.copytree(template.root, root, symlinks=True)
    place = Place(root)
    done = place.archive()
    assert done.status == 0, done.err
    with closing(sqlite3.connect(root / "home/catalogue.sqlite")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return place
