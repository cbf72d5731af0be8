"""What somebody writes who has no key excuses nothing that a trusted signature says: events, batches, seals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from strongroom.core.findings import Code
from strongroom.runner.local import LocalRunner
from strongroom.signing import Keyring, passphrase
from strongroom.usecases.history.show import show_log
from tests.fixtures.cost import CHEAP
from tests.fixtures.seals import altered, summed
from tests.history.conftest import BOTH, Past
from tests.history.test_verify import digest, other_detail, rewrite
from tests.replicate.conftest import Place

NOBODY = "e" * 32  # a store that is not there, and its writer


@pytest.fixture
def past(tmp_path: Path, runner: LocalRunner) -> Iterator[Past]:
    """Both stores have site/v1 to site/v3, signed; the home `trusting` trusts the key and remembers nothing."""
    made = Past(Place(tmp_path, runner))
    (tmp_path / "passphrase").write_bytes(b"words\n")
    (tmp_path / "passphrase").chmod(0o600)
    source = passphrase.Source(tmp_path / "passphrase")
    passphrase.use(source)
    key = Keyring(made.place.context.home).make(source, cost=CHEAP)
    Keyring(tmp_path / "trusting").trust_key(key)
    for store in BOTH:
        made.place.add_store(store)
    for text in ("first", "second", "third"):
        made.bag(text)
    yield made
    passphrase.use(passphrase.Source())


def said(past: Past, *stores: str) -> list[tuple[str, str]]:
    return past.said(*stores, home="trusting")


def codes(past: Past, *stores: str) -> set[Code]:
    return {one.code for one in past.verify(*stores, home="trusting").findings}


def forge(past: Past, store: str, *events: tuple[str, str]) -> None:
    """A batch of a chain of nobody's, whose events say that a store took bags: (NAME/vN, SHA-256 of the seal)."""
    value = {"format": "strongroom-log/1", "store": NOBODY, "writer": NOBODY, "seq": 1, "previous": None, "events": [
        {"eventIdentifier": f"urn:uuid:{number}", "eventType": "ingestion", "eventDateTime": "2026-01-01T00:00:00Z", "eventDetail": "",
         "eventOutcome": "success", "eventOutcomeDetailNote": "", "linkingAgentIdentifier": [],
         "linkingObjectIdentifier": [bag, f"sha256:{seal}", f"store:{NOBODY}"]} for number, (bag, seal) in enumerate(events)]}
    path = past.place.folder(store) / f"log/{NOBODY}/000000000001.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(summed(value))


def seal(past: Past, store: str, version: int) -> Path:
    return past.place.folder(store) / f"bags/site/v{version}/seal.json"


def head(past: Past, version: int, writer: str) -> int:
    return int(json.loads(seal(past, "one", version).read_bytes())["log"][writer]["seq"])


def test_a_forged_event_does_not_silence_the_heads_of_a_trusted_seal(past: Past) -> None:
    """Everything is taken away that names the seal, and with it what its heads name."""
    for writer, (_, batches) in past.chains("one").items():
        assert 0 < head(past, 2, writer) < head(past, 3, writer)
        for path in batches[head(past, 2, writer) :]:
            path.unlink()
    assert said(past, "one") == [("store-rolled-back", "one")]
    forge(past, "one", ("site/v3", "0" * 64))  # as if another seal were v3, and the one that lies there an altered one
    assert said(past, "one") == [("store-rolled-back", "one")]


def test_a_planted_seal_does_not_confirm_what_was_written_anew(past: Past) -> None:
    own = past.own("one")
    last = head(past, 3, own)
    batches = past.batches("one")
    rewrite(batches[last - 1], other_detail)
    for before, path in pairwise(batches[last - 1 :]):
        rewrite(path, lambda value, before=before: value.update(previous=digest(before)))
    assert said(past, "one") == [("log-altered", "one")]
    value = {key: one for key, one in json.loads(seal(past, "one", 3).read_bytes()).items() if key != "signer"}
    heads = {own: {"seq": last, "sha256": digest(batches[last - 1])}}
    planted = past.place.folder("one") / "bags/aside/v1/seal.json"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(summed({**value, "bag": "aside/v1", "attempt": "f" * 32, "previous": None, "log": heads, "store": NOBODY}))
    assert said(past, "one") == [("log-altered", "one")]


def test_a_forged_event_does_not_say_where_a_bag_is_that_is_nowhere(past: Past) -> None:
    lost = digest(seal(past, "one", 1))
    shutil.rmtree(seal(past, "one", 1).parent)
    shutil.rmtree(past.place.folder("one") / "log")
    assert Code.BAG_ELSEWHERE in codes(past, "one")
    forge(past, "one", ("site/v1", lost))
    assert Code.BAG_ELSEWHERE in codes(past, "one")


@pytest.mark.parametrize("attempt", ["its own", "that of the true one"])
def test_a_seal_beside_a_trusted_one_is_passed_over_and_believed_in_nothing(past: Past, attempt: str) -> None:
    value = {key: one for key, one in json.loads(seal(past, "one", 3).read_bytes()).items() if key != "signer"}
    heads = {writer: {"seq": one["seq"], "sha256": "0" * 64} for writer, one in value["log"].items()}
    planted = summed({**value, "log": heads, **({"attempt": "f" * 32} if attempt == "its own" else {})})
    seal(past, "one", 3).with_name("seal.json~1").write_bytes(planted)
    assert said(past) == said(past, "one") == []
    assert Code.SEAL_PASSED_OVER in codes(past) and Code.FORKED not in codes(past)
    # Who trusts nobody is told that something is wrong, and chooses nothing.
    wanted = Code.FORKED if attempt == "its own" else Code.SIGNATURE_BROKEN
    assert wanted in {one.code for one in past.verify("one").findings}


def test_a_trusted_seal_in_one_store_shows_that_another_was_altered(past: Past) -> None:
    true = seal(past, "two", 3).read_bytes()
    seal(past, "two", 3).chmod(0o644)
    seal(past, "two", 3).write_bytes(altered(true, sealed="2001-01-01T00:00:00Z", signer="a" * 64))
    assert said(past) == [("seal-damaged", "two")]


def test_an_event_that_names_a_bag_of_an_endless_number_is_shown_like_others(past: Past) -> None:
    forge(past, "one", ("site/v" + "1" * 5000, "0" * 64))
    told = show_log("site/v2", [], past.place.context)
    assert told.exit_status == 0 and told.events and all("site/v2" in event["linkingObjectIdentifier"] for event in told.events)
