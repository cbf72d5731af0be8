"""Each thing that may have been done to a store's past is found and told apart, without a catalogue."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from strongroom.core import canonical
from strongroom.signing import Keyring, passphrase
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from tests.fixtures.cost import CHEAP
from tests.fixtures.seals import summed
from tests.history.conftest import Past


def rewrite(path: Path, change) -> None:
    """Put another batch or seal in the place of one, well-formed."""
    value = json.loads(path.read_bytes())
    change(value)
    path.chmod(0o644)
    path.write_bytes(summed(value) if "sum" in value else canonical.dumps(value))


def other_detail(value: dict) -> None:
    value["events"][0]["eventDetail"] = "nothing of note happened"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_nothing_is_wrong(past: Past) -> None:
    report = past.verify()
    assert (report.exit_status, past.findings()) == (0, [])
    assert all(store.batches and store.seals == 3 and store.writers == 2 for store in report.stores)
    assert past.said("one") == past.said("two") == []


@pytest.mark.parametrize("store", ["one", "two"])
def test_a_store_put_back_to_before_the_last_bag(past: Past, store: str) -> None:
    copy = past.copy(store)
    past.bag("fourth")
    past.put_back(store, copy)
    assert past.said() == [("store-rolled-back", store)]
    (found,) = [one for one in past.findings() if one.code.label == "store-rolled-back"]
    assert "put back to an older state" in found.message
    assert "site/v4" in found.message


@pytest.mark.parametrize("store", ["one", "two"])
def test_a_bag_removed_with_its_seal(past: Past, store: str) -> None:
    past.remove_bag(store, "site/v3")
    assert past.said() == [("bag-removed", store)]
    past.remove_bag(store, "site/v2")
    assert [one.place.rpartition(": ")[2] for one in past.findings() if one.code.label == "bag-removed"] == ["site/v2", "site/v3"]
    assert past.said(store) == [("bag-removed", store)]  # its own log tells, too


@pytest.mark.parametrize("store", ["one", "two"])
def test_a_bag_removed_with_its_seal_and_the_end_of_the_log(past: Past, store: str) -> None:
    past.remove_bag(store, "site/v3")
    past.batches(store)[-1].unlink()
    assert past.said() in ([("store-rolled-back", store)], [("bag-removed", store), ("store-rolled-back", store)])


def test_the_end_of_the_log_cut_off(past: Past) -> None:
    for path in past.batches("one")[-2:]:
        path.unlink()
    (found,) = past.findings()
    assert (found.code.label, "cut off" in found.message) == ("store-rolled-back", True)


def test_the_whole_log_removed(past: Past) -> None:
    for _, batches in past.chains("one").values():
        for path in batches:
            path.unlink()
    assert past.said() == [("store-rolled-back", "one")]


@pytest.mark.parametrize("at", [0, 1, -1])
@pytest.mark.parametrize(("store", "of"), [("one", "one"), ("one", "two"), ("two", "one")])
def test_an_altered_event(past: Past, store: str, of: str, at: int) -> None:
    path = past.batches(store, of)[at]
    rewrite(path, other_detail)
    report = past.verify()
    if at != -1:  # nothing but a comparison knows what the newest should be, and it takes two to differ
        assert past.said() == [("log-altered", store)]
        assert past.said(store) == [("log-altered", store)]
        (place,) = [one.place for one in past.findings()]
        assert place == f"{report.stores[store == 'two'].url}: {path.relative_to(past.place.folder(store))}"
    else:
        assert {code for code, _ in past.said()} == {"log-altered"}


def test_an_event_altered_and_all_that_follows_written_anew(past: Past) -> None:
    batches = past.batches("one")
    rewrite(batches[0], other_detail)
    for before, path in pairwise(batches):
        rewrite(path, lambda value, before=before: value.update(previous=digest(before)))
    assert ("log-altered", "one") in past.said()
    assert {code for code, _ in past.said("one")} == {"log-altered"}  # the seals in it tell


@pytest.mark.parametrize("of", ["one", "two"])
def test_a_missing_link(past: Past, of: str) -> None:
    path = past.batches("one", of)[1]
    path.unlink()
    assert past.said() == past.said("one") == [("log-hole", "one")]
    (found,) = past.findings()
    assert f"{path.parent.name}/{path.name}" in found.place
    assert "store-two has what is missing" in found.message


def test_two_histories_of_one_writer(past: Past) -> None:
    home, copy = past.place.root / "home", past.copy("one")
    shutil.copytree(home, past.place.root / "home before")
    past.bag("fourth")
    shutil.rmtree(home)
    (past.place.root / "home before").rename(home)
    past.put_back("one", copy)
    past.bag("another fourth", "one")  # the machine and one disk were put back, and went on
    said = past.said()
    assert ("log-forked", "") in said
    (found,) = [one for one in past.findings() if one.code.label == "log-forked"]
    assert "part here" in found.message
    assert "forked" in {one.code.label for one in past.findings()}  # the bag, too


def test_this_machine_does_not_go_on_from_an_older_state(past: Past) -> None:
    copy = past.copy("one")
    past.bag("fourth")
    past.put_back("one", copy)
    past.place.write("site", "fifth.html", b"fifth")
    past.place.archive("site", ["one"])
    assert past.said() == [("store-rolled-back", "one")]  # and not forked: the chain was not continued


@pytest.mark.parametrize("store", ["one", "two"])
def test_an_altered_seal(past: Past, store: str) -> None:
    rewrite(past.place.folder(store) / "bags/site/v2/seal.json", lambda value: value.update(sealed="2001-01-01T00:00:00Z"))
    assert past.said() == past.said(store) == [("seal-damaged", store)]


def test_a_seal_whose_log_heads_were_altered_accuses_no_log(past: Past) -> None:
    def other_heads(value: dict) -> None:
        for head in value["log"].values():
            head["sha256"] = "0" * 64

    rewrite(past.place.folder("one") / "bags/site/v3/seal.json", other_heads)
    assert past.said() == past.said("one") == [("seal-damaged", "one")]


def test_a_batch_of_rubbish(past: Past) -> None:
    path = past.batches("one")[1]
    path.chmod(0o644)
    path.write_bytes(b"\0" * 100)
    assert past.said() == past.said("one") == [("log-altered", "one")]


def test_the_catalogue_is_a_witness(past: Past) -> None:
    copy = past.copy("one")
    past.bag("fourth", "one")
    assert past.said("one", home="home") == []
    past.put_back("one", copy)
    assert past.said("one") == []  # alone, and with no memory: nobody can know
    assert past.said("one", home="home") == [("store-rolled-back", "one")]


def test_without_its_home_the_seal_of_a_bag_tells_where_it_was_made(past: Past) -> None:
    """The log stayed behind, as that of restricted material does: the seal alone says that the other store had the bag."""
    past.remove_bag("one", "site/v3")
    for store in ("one", "two"):
        past.chains(store)[past.own("one")][1][-1].unlink()
    assert {store for _, store in past.said()} == {"one"}


def test_a_store_that_does_not_answer_is_not_judged(past: Past) -> None:
    past.place.detach("two")
    report = past.verify()
    assert (report.exit_status, [one.code.label for one in past.findings()]) == (3, ["unreachable"])
    assert past.said("one") == []


def test_every_byte_matters(past: Past) -> None:
    """A seeded change of one byte anywhere in the logs and seals of a store is found, where two stores can be compared."""
    chance = random.Random(16)
    root = past.place.folder("one")
    files = [*root.glob("log/*/*.json"), *root.glob("bags/*/*/seal.json")]
    for number in range(40):
        path = chance.choice(sorted(files))
        data = path.read_bytes()
        at = chance.randrange(len(data))
        path.chmod(0o644)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        assert past.said(), (number, path, at, data[max(0, at - 20) : at + 20])
        path.write_bytes(data)
    assert past.said() == []


def test_what_signatures_are_worth(past: Past, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_bytes(b"words\n")
    (tmp_path / "passphrase").chmod(0o600)
    source = passphrase.Source(tmp_path / "passphrase")
    passphrase.use(source)
    try:
        key = Keyring(past.place.context.home).make(source, cost=CHEAP)
        past.bag("fourth")
    finally:
        passphrase.use(passphrase.Source())
    Keyring(past.place.root / "trusting").trust_key(key)

    def codes(home: str) -> set[str]:
        return {one.code.label for one in past.verify(home=home).findings}

    assert codes("trusting") == {"no-seal-signature"}  # the first three, for which the fourth answers
    assert codes("empty home") == {"signature-unknown-key", "no-seal-signature"}
    seal = past.place.folder("one") / "bags/site/v4/seal.json"
    signature = seal.parent / json.loads(seal.read_bytes())["attempt"] / "seal.minisig"
    true = signature.read_bytes()
    signature.unlink()
    assert "signature-missing" in codes("trusting")
    signature.write_bytes(true)
    rewrite(seal, lambda value: value.update(sealed="2001-01-01T00:00:00Z"))
    assert codes("trusting") >= {"signature-broken", "seal-damaged"}
    assert past.said() == [("seal-damaged", "one")]


def audited(past: Past, times: int) -> None:
    """Batches of the log of store one that no seal names."""
    for _ in range(times):
        assert audit(AuditRequest(stores=(past.place.stores["one"],)), past.place.context, past.place.runner).exit_status == 0


def test_what_only_the_next_batch_names(past: Past) -> None:
    audited(past, 3)
    rewrite(past.batches("one")[-2], other_detail)
    assert past.said("one") == [("log-altered", "one")]
    (found,) = past.findings("one")
    assert "one of the two was altered" in found.message


def test_what_only_a_copy_tells(past: Past) -> None:
    audited(past, 2)
    past.place.replicate("site", ["one", "two"])
    past.batches("one")[-1].unlink()
    assert past.said("one") == []
    assert past.said() == [("store-rolled-back", "one")]
