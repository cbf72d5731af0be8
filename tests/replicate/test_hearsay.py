"""A replica does not rest on what the catalogue alone says of its store (docs/decisions/0004-archiving.md)."""

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.digests import Digest
from strongroom.usecases.archive import hearsay

BOTH = ["one", "two"]
LETTER = b"a letter that no pack of the replica holds"


@pytest.fixture
def asked(monkeypatch):
    """The indexes that were looked into."""
    found, read_all = [], hearsay.read_all

    def reading(store, key, limit):
        if key.text.startswith("packs/"):
            found.append(key.text)
        return read_all(store, key, limit)

    monkeypatch.setattr(hearsay, "read_all", reading)
    return found


@pytest.mark.parametrize("kind", ["pack", "zstd", "content"])
def test_a_catalogue_that_lies_is_found_out_before_the_seal(place, kind):
    settings = "compression: zstd\n" if kind == "zstd" else ""
    place.write("letters", "film.bin", bytes(5 << 20))
    place.write("letters", "one.txt", b"the first letter " * 500)
    place.archive("letters", BOTH, settings)
    place.replicate("letters", BOTH, settings)
    with Catalogue.open(place.context.catalogue) as catalogue, catalogue.transaction() as db:
        store, number = db.execute("SELECT store, id FROM objects WHERE kind = ? ORDER BY store DESC", (kind,)).fetchone()
        db.execute("INSERT INTO places (store, scope, sha256, object, length) VALUES (?, '', ?, ?, ?)",
                   (store, Digest.of(LETTER).raw, number, len(LETTER)))
    place.write("letters", "two.txt", LETTER)
    place.archive("letters", BOTH, settings)
    report = place.replicate("letters", BOTH, settings)
    assert place.bags("two") == ["letters/v1", "letters/v2"]
    assert Digest.of(LETTER).hex in "".join(path.read_text() for path in place.folder("two").glob("packs/*/*.jsonl"))
    assert ("index-wrong" in {finding.code.label for finding in report.findings}) == (kind != "content")
    assert report.exit_status == 0


def test_what_the_bag_before_has_there_needs_no_look_and_what_others_brought_does(place, asked):
    place.write("letters", "one.txt", b"one")
    place.write("letters", "two.txt", b"two")
    for _ in range(2):
        place.archive("letters", BOTH)
        place.replicate("letters", BOTH)
        place.write("letters", "three.txt", b"three")
    assert place.bags("two") == ["letters/v1", "letters/v2"] and asked == []
    place.write("notes", "copy.txt", b"one")
    place.archive("notes", BOTH)
    asked.clear()
    report = place.replicate("notes", BOTH)
    assert (len(asked), report.findings) == (1, ())
