"""Tombstones by themselves: which count, and what they say together."""

from __future__ import annotations

import pickle

import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code
from strongroom.core.ids import BagId
from strongroom.core.tombstone import Action, Tombstone, parse_tombstone
from strongroom.signing import Trust
from strongroom.stores.generations import put_or_generation
from strongroom.stores.memory import MemoryStore
from strongroom.usecases.withheld.stones import files_of, put_stone, read_stones
from strongroom.usecases.withheld.tombstones import Withheld
from strongroom.usecases.withheld.writing import make_stone
from tests.fixtures.tombstones import read_tombstones, write_tombstone

PAGE, OTHER = Digest.of(b"page"), Digest.of(b"other")
ASKED = ((BagId("site", 1), "data/p.html"),)


def load(tmp_path, *stores, trust=None):
    findings = []
    withheld = Withheld.load(stores, trust or Trust(), tmp_path, findings.append)
    return withheld, [finding.code for finding in findings]


def write(store, action=Action.WITHHOLD, content=PAGE, reason="asked for", files=()):
    return write_tombstone(store, content, action, reason, ["archivist"], files)


def test_bytes_there_and_back():
    says = Tombstone(PAGE, 2, (OTHER,), Action.LIFT, "a mistake", ("Ana",), None, "2026-11-22T10:00:00Z")
    assert parse_tombstone(says.to_bytes(), what="it") == says
    for wrong in (b"{}", b"[]", says.to_bytes().replace(b'"lift"', b'"maybe"'), says.to_bytes().replace(b"a mistake", b" ")):
        with pytest.raises(InvalidValueError, match="it: not a tombstone"):
            parse_tombstone(wrong, what="it")


def test_withheld_and_lifted_and_withheld_again(tmp_path):
    store = MemoryStore()
    for action, count in ((Action.WITHHOLD, 1), (Action.LIFT, 0), (Action.WITHHOLD, 1)):
        write(store, action)
        withheld, codes = load(tmp_path, store)
        assert (len(withheld), PAGE.raw in withheld, OTHER.raw in withheld, codes) == (count, count == 1, False, [])
    assert [one.number for one in read_tombstones(store, Trust())] == [1, 2, 3]
    again = pickle.loads(pickle.dumps(withheld))
    assert PAGE.raw in again
    assert again.reason(PAGE.raw) == "asked for"
    assert list(again) == [PAGE.raw]


def test_two_that_were_made_at_the_same_time_both_stand_until_one_replaces_both(tmp_path):
    """Under one number they are generations; lifting one of them alone leaves the content withheld."""
    here, there = MemoryStore(), MemoryStore()
    write(here, reason="by Ana")
    write(there, reason="by Ben")
    write(here, Action.LIFT, reason="Ana thinks again")
    (ben,) = read_stones(there, print)
    assert put_stone(here, ben) == 1
    assert PAGE.raw in load(tmp_path, here)[0]
    assert PAGE.raw in load(tmp_path, here, there)[0]
    write(here, Action.LIFT, reason="both think again")
    assert len(load(tmp_path, here, there)[0]) == 0


def test_damaged_ones_are_named_and_not_acted_upon(tmp_path):
    store = MemoryStore()
    key = keys.tombstone(PAGE, 1)
    for data in (b"rubbish", Tombstone(OTHER, 1, (), Action.WITHHOLD, "elsewhere", (), None, "").to_bytes()):
        put_or_generation(store, key, data, Digest.of(data))
    withheld, codes = load(tmp_path, store)
    assert (len(withheld), codes) == (0, [Code.TOMBSTONE_DAMAGED] * 2)
    write(store)
    assert load(tmp_path, store)[1] == []  # a sound generation lies beside them
    assert PAGE.raw in load(tmp_path, store)[0]


def test_strange_keys_are_passed_over(tmp_path):
    store = MemoryStore()
    for text in ("withheld/note", f"withheld/00/{PAGE}/1.json", f"withheld/{PAGE.hex[:2]}/{PAGE}/x.json"):
        store.put(keys.StoreKey(text), b"x", sha256=Digest.of(b"x"))
    assert load(tmp_path, store)[1] == []


def test_the_list_of_files_is_bound_to_its_tombstone_and_can_stay_behind():
    store, other = MemoryStore(), MemoryStore()
    write(store, files=ASKED)
    (stone,) = read_stones(store, print)
    assert files_of(stone).files == ASKED
    put_stone(other, stone, with_files=False)
    assert not any(b"site" in store_bytes for store_bytes in everything(other).values())
    (bare,) = read_stones(other, print)
    assert (bare.data, files_of(bare)) == (stone.data, None)


def test_a_thousand_files_are_named_and_the_others_counted():
    files = [(BagId("site", 1), f"data/{number}") for number in range(1500)]
    stone = make_stone((), PAGE, Action.WITHHOLD, "many", (), files, None)
    assert (len(files_of(stone).files), files_of(stone).more) == (1000, 500)


def everything(store):
    return {stat.key.text: store.get(stat.key).read() for stat in store.list()}
