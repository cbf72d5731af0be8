"""What brings back what was gone says so: afterwards nothing would show it."""

from __future__ import annotations

from tests.fixtures.seals import altered
from tests.history.conftest import BOTH, Past


def codes(report) -> list[str]:
    return sorted(one.code.label for one in report.findings if one.severity.value == "error")


def test_replicate_says_that_a_store_was_put_back(past: Past) -> None:
    copy = past.copy("two")
    past.bag("fourth")
    past.put_back("two", copy)
    report = past.place.replicate("site", BOTH)
    assert (report.exit_status, codes(report)) == (1, ["bag-removed", "store-rolled-back"])
    assert past.said() == []
    assert past.place.replicate("site", BOTH).exit_status == 0


def test_and_that_a_bag_was_removed(past: Past) -> None:
    past.remove_bag("one", "site/v2")
    report = past.place.replicate("site", BOTH)
    assert (report.exit_status, codes(report)) == (1, ["bag-removed"])
    assert (past.said(), len(past.place.payload("one", "site/v2"))) == ([], 2)
    assert past.place.replicate("site", BOTH).exit_status == 0


def test_a_machine_without_its_memory_knows_it_from_the_log(past: Past) -> None:
    copy = past.copy("one")
    past.bag("fourth")
    past.put_back("one", copy)
    (past.place.root / "home").rename(past.place.root / "lost home")
    assert codes(past.place.replicate("site", BOTH)) == ["store-rolled-back"]


def test_a_seal_with_a_changed_byte_is_no_fork_and_is_brought_nowhere(past: Past) -> None:
    path = past.place.folder("one") / "bags/site/v2/seal.json"
    true = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(altered(true, sealed="1999-01-01T00:00:00Z"))
    report = past.place.replicate("site", BOTH)
    assert (report.exit_status, [one.code.label for one in report.findings]) == (0, ["copy-damaged"])
    assert path.with_name("seal.json~1").read_bytes() == true
    assert not (past.place.folder("two") / "bags/site/v2/seal.json~1").exists()
