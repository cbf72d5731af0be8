"""Packs made to lie: true to their own name, and false in the names of what is in them, or in the copy of their index."""

import shutil
from types import SimpleNamespace

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import unsound
from strongroom.core.digests import Digest
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.pack import Member, PackBuilder, format_index
from strongroom.stores.describe import open_known_store, read_description
from strongroom.usecases.archive import hearsay
from strongroom.usecases.audit import look as module
from strongroom.usecases.audit.look import LookJob, look
from strongroom.usecases.audit.units import Item, Unit
from tests.fixtures.findings import said

TRUE, WANTED = b"what it says it is", b"a letter that the pack does not hold"


def strange(vault, packed, index=None):
    """A pack of a stranger, of (digest, bytes), which a bag's placement names, in a store of which this machine knows nothing any more."""
    builder = PackBuilder()
    for digest, data in packed:
        builder.add(digest, data)
    tar, honest, digest, _ = builder.finish()
    base = f"packs/{digest.hex[:2]}/{digest.hex}"
    vault.objects.put(f"{base}.tar", bytes(tar))
    vault.objects.put(f"{base}.jsonl", index or honest)
    vault.objects.put("bags/letters/v1/placement.jsonl~1", f'{{"pack":"{digest.hex}"}}\n'.encode())
    shutil.rmtree(vault.root / "home")
    vault.write("notes", "one.txt", b"makes a catalogue that learns what the store holds")
    vault.archive("notes")
    return f"{base}.tar", digest


def known(vault, digest):
    """(verified, damaged, members) of the pack, and the contents that the catalogue believes to lie in it."""
    with Catalogue.open(vault.context.catalogue) as catalogue, catalogue.transaction() as db:
        number, *row = db.execute("SELECT id, verified, damaged, members FROM objects WHERE digest = ?", (digest.raw,)).fetchone()
        return tuple(row), {sha for (sha,) in db.execute("SELECT sha256 FROM places WHERE object = ?", (number,))}


def is_really_stored(vault):
    """Archive the letter; whether its bytes came into the store, which a sealed bag relies upon."""
    vault.write("notes", "two.txt", WANTED)
    assert vault.archive("notes") == "notes/v2"
    return any(WANTED in data for key, data in vault.objects.all().items() if key.startswith("packs/"))


def test_a_member_that_is_not_what_its_name_says(vault):
    key, digest = strange(vault, [(Digest.of(TRUE), TRUE), (Digest.of(WANTED), b"something else")])
    assert known(vault, digest) == ((0, 0, None), {Digest.of(TRUE).raw, Digest.of(WANTED).raw})  # learned, and believed in nothing
    for _ in range(2):  # it is no better the second time
        report = vault.audit()
        assert [(finding.code.label, finding.place.rpartition(" ")[2]) for finding in said(report)] == [("pack-damaged", key)]
        assert "1 of its members are not what their names say" in said(report)[0].message
        assert known(vault, digest)[0] == (0, 1, None)
    with Catalogue.open(vault.context.catalogue) as catalogue:
        assert [row.key.text for row in unsound(catalogue, 1)] == [key]
    assert is_really_stored(vault)


def test_an_archive_that_looks_into_it_does_not_make_it_true(vault):
    _, digest = strange(vault, [(Digest.of(TRUE), TRUE), (Digest.of(WANTED), b"something else")])
    vault.write("notes", "true.txt", TRUE)  # relies on the pack, and so reads it
    assert is_really_stored(vault)
    assert known(vault, digest) == ((1, 0, None), {Digest.of(TRUE).raw})
    assert [finding.code.label for finding in said(vault.audit())] == ["pack-damaged"]


def test_an_index_that_names_more_than_there_is(vault):
    members = [Member(Digest.of(TRUE), 512, len(TRUE)), Member(Digest.of(WANTED), 1536, len(WANTED))]
    key, digest = strange(vault, [(Digest.of(TRUE), TRUE)], format_index(members))
    assert Digest.of(WANTED).raw in known(vault, digest)[1]
    assert [finding.place.rpartition(" ")[2] for finding in said(vault.audit())] == [key.replace(".tar", ".jsonl")]
    row, contents = known(vault, digest)
    assert (row[:2], contents) == ((1, 0), {Digest.of(TRUE).raw})
    assert is_really_stored(vault)


def test_what_was_looked_into_is_hashed_once_and_its_index_still_judged(vault, monkeypatch):
    store = open_known_store(vault.url, None)
    key = vault.keys("packs/", ".tar")[0]
    index = key.replace(".tar", ".jsonl")
    (members,) = known(vault, Digest(key[-68:-4]))[0][2:]
    assert members == Digest.of(vault.objects.all()[index]).raw

    def looks(members):
        unit = Unit(key, (Item(key, members=members), Item(index)))
        monkeypatch.setattr(module, "describe", lambda scratch, first, last: [unit])
        monkeypatch.setattr(module, "read_only", lambda path: SimpleNamespace(close=lambda: None))
        found = look(LookJob(store, read_description(store).id, vault.root, 1, 1, None)).looks
        return [(one.key, one.outcome) for one in found]

    check = module.check_pack
    monkeypatch.setattr(module, "check_pack", lambda *rest, **more: pytest.fail("looked into again"))
    assert looks(members.hex()) == [(key, CheckOutcome.SOUND), (index, CheckOutcome.SOUND)]
    assert looks("ab" * 32)[1] == (index, CheckOutcome.DAMAGED)
    monkeypatch.setattr(module, "check_pack", check)
    assert looks(None) == [(key, CheckOutcome.SOUND), (index, CheckOutcome.SOUND)]
    data = bytearray(vault.objects.all()[key])
    data[600] ^= 1
    vault.objects.put(key, bytes(data))
    assert looks(members.hex())[0] == (key, CheckOutcome.DAMAGED)


@pytest.mark.parametrize("scope", [{}, {"name": "notes"}])
def test_a_catalogue_that_lies_of_a_sound_pack_is_found_out_and_the_source_stores_what_is_lost(vault, scope, monkeypatch):
    """Somebody wrote into it while a run had asked already what it says of others (tests/archive/test_hearsay.py)."""
    with Catalogue.open(vault.context.catalogue) as catalogue, catalogue.transaction() as db:
        store, pack = db.execute("SELECT store, id FROM objects WHERE kind = 'pack' AND verified ORDER BY id LIMIT 1").fetchone()
        db.execute("INSERT INTO places VALUES (?, '', ?, ?, ?)", (store, Digest.of(WANTED).raw, pack, len(WANTED)))
    vault.write("notes", "two.txt", WANTED)
    with monkeypatch.context() as patch:
        patch.setattr(hearsay, "unconfirmed", lambda *_: [])
        assert vault.archive("notes") == "notes/v1"
    assert not any(WANTED in data for data in vault.objects.all().values())
    assert "content-missing" in {finding.code.label for finding in said(vault.audit(**scope))}
    vault.archive("notes")
    assert any(WANTED in data for data in vault.objects.all().values())
    assert "content-missing" not in {finding.code.label for finding in said(vault.audit(**scope))}
