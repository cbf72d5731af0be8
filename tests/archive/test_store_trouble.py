"""What is stored is looked at before it is relied upon; what was cut off is carried on; what is lost is stored again."""

import json
import os
import shutil

import pytest

from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError, UsageError, WrongStoreError
from strongroom.stores.describe import init_store
from strongroom.stores.open import open_store
from strongroom.usecases import log
from strongroom.usecases.archive import run as run_module
from strongroom.usecases.archive.attempt import Attempt
from tests.fixtures.attempts import before_the_first_seal


def packs(site):
    return sorted(site.store.glob("packs/*/*.tar"))


def damage(path, at=600):
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x40
    path.write_bytes(data)


def test_a_swapped_disk_is_refused_and_so_is_an_empty_folder_in_its_place(site):
    site.run()
    shutil.move(site.store, site.root / "unplugged")
    with pytest.raises(StoreError):
        site.run()
    site.store.mkdir()
    with pytest.raises(WrongStoreError):
        site.run()
    assert list(site.store.iterdir()) == []
    site.store.rmdir()
    init_store(str(site.store))
    with pytest.raises(WrongStoreError, match="another disk"):
        site.run()
    assert site.versions() == []


def test_a_store_inside_the_source_is_refused(site):
    site.store_url = str(site.source / "store")
    init_store(site.store_url)
    with pytest.raises(UsageError, match="apart"):
        site.run()


def test_a_pack_that_vanished_is_stored_again_from_the_source(site):
    site.run()
    packs(site)[0].unlink()
    report = site.run()
    assert report.outcome == "unchanged"
    assert report.exit_status == 1
    assert "pack-damaged" in site.codes(report)
    assert len(site.payload(1)) == 4


def test_a_pack_of_another_length_is_noticed_before_it_is_relied_upon(site):
    site.run()
    pack = packs(site)[0]
    pack.chmod(0o644)
    os.truncate(pack, 700)
    site.write("index.html", b"changed")
    report = site.run()
    assert report.bag == "site/v2"
    pack.unlink()
    assert site.payload(2)["data/index.html"] == b"changed"


def test_a_second_home_reads_back_what_it_finds_before_it_seals_on_it(site):
    site.run()
    before = packs(site)
    site.home = "second"
    site.settings = "title: new title\n"
    report = site.run()
    assert report.bag == "site/v2"
    assert report.verified_objects >= 1
    assert report.new_contents == 0
    assert packs(site) == before


def test_a_second_home_does_not_rely_on_a_damaged_pack(site):
    site.run()
    damage(packs(site)[0])
    site.home = "second"
    site.settings = "title: new title\n"
    report = site.run()
    assert report.bag == "site/v2"
    assert "pack-damaged" in site.codes(report)
    assert len(site.payload(2)) == 4


def test_an_index_that_lies_is_not_believed(site):
    site.run()
    # The pack's index now claims a content the pack does not hold; its own digest is right.
    (index,) = site.store.glob("packs/*/*.jsonl")
    index.chmod(0o644)
    forged = Digest.of(b"never stored")
    line = f'{{"length":12,"offset":512,"sha256":"{forged}"}}\n'.encode()
    index.write_bytes(line + canonical.dumps({"count": 1, "sha256": Digest.of(line).hex}))
    site.home = "second"
    site.write("index.html", b"never stored")
    assert site.run().bag == "site/v2"
    assert site.payload(2)["data/index.html"] == b"never stored"


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.mark.parametrize("where", ["after contents", "after tag files", "before the log"])
def test_a_run_that_was_cut_off_is_carried_on_by_the_next(site, monkeypatch, where):
    def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        if where == "after contents":
            patched.setattr(Attempt, "store_tag_files", die)
        elif where == "after tag files":
            patched.setattr(Attempt, "seal", die)
        else:
            patched.setattr(log, "append", die)
        with pytest.raises(Killed):
            site.run()
    stored = packs(site)
    assert len(stored) >= 1
    report = site.run()
    assert packs(site) == stored, "contents that were uploaded are reused"
    if where == "before the log":
        assert report.outcome == "unchanged"
        assert site.versions() == ["v1"]
    else:
        assert (report.outcome, report.bag) == ("sealed", "site/v1")
        assert report.verified_objects >= 1
    assert len(site.payload(1)) == 4
    assert site.run().outcome == "unchanged"


def test_of_two_runs_that_race_for_a_number_one_takes_the_next(site, monkeypatch):
    other = type(site)(site.root, site.runner, "title: the other\n", home="other")
    won = []
    before_the_first_seal(monkeypatch, lambda: won.append(other.run().bag))
    report = site.run()
    assert (report.outcome, report.bag, won) == ("sealed", "site/v2", ["site/v1"])
    assert site.versions() == ["v1", "v2"]
    assert site.seal(2)["previous"]["bag"] == "site/v1"
    closed = list(site.store.glob("bags/site/v1/*/closed"))
    assert len(closed) == 1


def test_the_loser_of_a_race_with_the_same_state_makes_no_bag(site, monkeypatch):
    before_the_first_seal(monkeypatch, type(site)(site.root, site.runner, home="other").run)
    report = site.run()
    assert (report.outcome, report.bag, site.versions()) == ("unchanged", "site/v1", ["v1"])


def test_a_lost_reply_to_the_seal_is_not_a_lost_race(site, monkeypatch):
    store_type = type(open_store(str(site.store)))
    real = store_type.put

    def put_and_lose_the_reply(self, key, data, *, sha256):
        real(self, key, data, sha256=sha256)
        if key.text.endswith("seal.json"):
            real(self, key, data, sha256=sha256)  # what a client's own retry does: the key exists now

    monkeypatch.setattr(store_type, "put", put_and_lose_the_reply)
    assert site.run().bag == "site/v1"
    assert site.versions() == ["v1"]


def test_a_name_that_belongs_to_another_collection_is_refused(site):
    site.settings = "identifiers: [{type: UUID, value: 11111111-1111-4111-8111-111111111111}]\n"
    site.run()
    site.settings = "identifiers: [{type: UUID, value: 22222222-2222-4222-8222-222222222222}]\n"
    with pytest.raises(UsageError, match="cannot share the name"):
        site.run()


def test_restricted_contents_are_not_shared_with_other_collections(site):
    site.run()
    other = type(site)(site.root, site.runner, "dedup: collection\n", name="restricted")
    report = other.run()
    assert report.new_contents == 3
    again = type(site)(site.root, site.runner, "dedup: collection\ntitle: t\n", name="restricted")
    assert again.run().new_contents == 0
    third = type(site)(site.root, site.runner, name="third")
    assert third.run().new_contents == 0


def test_a_void_number_is_not_used_again(site):
    store = open_store(str(site.store))
    void = canonical.dumps({"format": "strongroom-seal/1", "bag": "site/v1", "attempt": None, "previous": None, "sealed": "x"})
    store.put(keys.StoreKey("bags/site/v1/seal.json"), void, sha256=Digest.of(void))
    assert site.run().bag == "site/v2"
    assert site.seal(2)["previous"] is None


def test_a_run_of_the_same_collection_at_the_same_time_is_refused(site, monkeypatch):
    def nested(*args, **kwargs):
        with pytest.raises(StoreError.__mro__[1], match="another run"):
            site_again.run()
        return real(*args, **kwargs)

    site_again = type(site)(site.root, site.runner)
    real = run_module.gather.scan
    monkeypatch.setattr(run_module.gather, "scan", nested)
    assert site.run().bag == "site/v1"


def test_damage_while_writing_is_found_by_reading_back(site, monkeypatch):
    real = Attempt.seal

    def damage_then_seal(self, seal, signer):
        damage(packs(site)[0])
        return real(self, seal, signer)

    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "seal", damage_then_seal)
        report = site.run()
    assert report.exit_status == 1
    assert "pack-damaged" in site.codes(report)
    report = site.run()
    assert report.outcome == "unchanged"
    packs(site)[0].unlink()
    assert len(site.payload(1)) == 4, "the next run stored it again"
    assert json.loads((site.store / "bags/site/v1/seal.json").read_bytes())


