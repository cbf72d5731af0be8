"""Tombstones are read once: later runs list them, read what is new, and notice what is gone."""

from __future__ import annotations

import shutil
from collections import Counter

from strongroom.core.digests import Digest
from strongroom.core.tombstone import Action
from strongroom.signing.trust import Trust
from strongroom.stores.describe import open_known_store
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.tombstones import Withheld
from tests.faults.model.recording import RecordingStore
from tests.fixtures.tombstones import write_tombstone
from tests.withheld.site import PAGE, codes


class Reader:
    """Loads what is withheld in a store, and counts the calls."""

    def __init__(self, site, name="one"):
        self.site, self.name = site, name

    def load(self):
        log = self.site.root / "calls"
        log.unlink(missing_ok=True)
        store = RecordingStore(open_known_store(str(self.site.store(self.name)), None), log)
        findings = []
        withheld = Withheld.load(store, Trust(), self.site.root / "loaded", findings.append, memory_of(self.site.context.home))
        found = set(withheld)
        withheld.close()
        self.gets = Counter(call.key.split("/")[0] for call in store.calls() if call.name == "get")["withheld"]
        return found, [(one.code.label, one.place.rpartition(" ")[2]) for one in findings]


def write(site, data, name="one"):
    write_tombstone(open_known_store(str(site.store(name)), None), Digest.of(data), Action.WITHHOLD, "a court said so", ["somebody"])


def stone(site, data, name="one"):
    digest = Digest.of(data).hex
    return site.store(name) / f"withheld/{digest[:2]}/{digest}/1.json"


def test_each_is_read_once_and_what_is_new_when_it_comes(site):
    pages = [b"page %d" % number for number in range(30)]
    for page in pages[:-1]:
        write(site, page)
    reader = Reader(site)
    assert reader.load() == ({Digest.of(page).raw for page in pages[:-1]}, []) and reader.gets == 29
    assert reader.load() == ({Digest.of(page).raw for page in pages[:-1]}, []) and reader.gets == 0
    write(site, pages[-1])
    assert reader.load() == ({Digest.of(page).raw for page in pages}, []) and reader.gets == 1
    memory_of(site.context.home).unlink()  # a cache
    assert reader.load() == ({Digest.of(page).raw for page in pages}, []) and reader.gets == 30
    other = Reader(site, "two")
    assert other.load() == (set(), []) and other.gets == 0  # each store by its id


def test_what_is_gone_is_said_and_still_counts(site):
    write(site, b"first")
    write(site, b"second")
    reader = Reader(site)
    both, _ = reader.load()
    stone(site, b"first").unlink()
    gone = ("tombstone-missing", str(stone(site, b"first").relative_to(site.store("one"))))
    assert reader.load() == (both, [gone])
    assert reader.load() == (both, [gone])  # until it is back
    write(site, b"first")
    assert reader.load()[0] == both


def test_other_bytes_under_a_key_that_was_read_do_not_unsay_it(site):
    write(site, b"first")
    reader = Reader(site)
    before, _ = reader.load()
    path = stone(site, b"first")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"withhold"', b'"lift"'))
    found, said = reader.load()
    assert found == before and [code for code, _ in said] == ["tombstone-damaged"]


def test_what_cannot_be_read_is_said_each_time_and_counts_once_it_can(site):
    write(site, b"first")
    path = stone(site, b"first")
    sound = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"rot")
    reader = Reader(site)
    for _ in range(2):
        found, said = reader.load()
        assert found == set() and [code for code, _ in said] == ["tombstone-damaged"]
    path.with_name("1.json~1").write_bytes(sound)
    assert reader.load() == ({Digest.of(b"first").raw}, [])


def test_a_removed_tombstone_is_an_error_of_the_next_run_and_brings_nothing_back(site):
    site.replicate("news", "mirror")
    site.withhold("news", paths=["people/ana.html"])
    assert site.audit().exit_status == 0
    for path in (site.store("one") / "withheld").rglob("*.*"):
        path.unlink()
    shutil.rmtree(site.context.home / "kept/withheld")
    site.write("news", "later.html", b"<p>later")
    report = site.archive("news")
    assert report.exit_status == 1 and "tombstone-missing" in codes(report)
    assert report.outcome == "sealed"
    report = site.replicate("news", "mirror")  # brings them back from the other store
    assert "tombstone-missing" not in codes(site.audit())
    assert stone(site, PAGE).exists()


def test_a_memory_that_is_damaged_is_made_anew(site):
    write(site, b"first")
    reader = Reader(site)
    before, _ = reader.load()
    memory_of(site.context.home).write_bytes(b"no database at all" * 100)
    assert reader.load() == (before, [])
