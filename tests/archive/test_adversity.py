"""What once went wrong, or nearly: sources that vanish, logs that are meddled with, hints that lie, dates beyond all years."""

import json
import os
import shutil
import threading

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, RefusedError, StoreUnreachableError
from strongroom.core.pack import member_header, parse_header, parse_index
from strongroom.core.seal import parse_seal
from strongroom.stores.describe import init_store
from strongroom.stores.open import open_store
from strongroom.usecases import log
from strongroom.usecases.context import Context
from tests.fixtures.attempts import when_opened


@pytest.mark.parametrize("first", [True, False])
def test_a_source_that_is_unmounted_during_the_run_makes_no_bag(site, monkeypatch, first):
    if not first:
        site.run()
        for path in site.source.rglob("*"):
            os.utime(path, ns=(1, 1))
    when_opened(monkeypatch, lambda: site.source.rename(site.root / "gone"))
    with pytest.raises(RefusedError):
        site.run()
    assert site.versions() == ([] if first else ["v1"])
    assert list(site.store.glob("bags/site/*/*/closed"))


def test_files_that_vanish_during_the_run_count_as_lost(site, monkeypatch):
    site.run()
    for path in site.source.rglob("*"):
        os.utime(path, ns=(1, 1))
    when_opened(monkeypatch, lambda: shutil.rmtree(site.source / "pages"))
    with pytest.raises(RefusedError, match="max_loss"):
        site.run()
    assert site.versions() == ["v1"]


def test_a_dry_run_says_that_it_would_be_refused(site):
    site.run()
    (site.source / "index.html").unlink()
    report = site.run(dry_run=True)
    assert (report.exit_status, site.codes(report)) == (1, ["source-loss"])


def test_a_dry_run_says_that_space_may_be_short(site, monkeypatch):
    monkeypatch.setattr(type(open_store(str(site.store))), "free_bytes", lambda self: 10)
    report = site.run(dry_run=True)
    assert (report.exit_status, site.codes(report)) == (0, ["store-limit"])


def test_a_strangers_folder_in_the_log_does_not_spoil_the_seal(site):
    site.run()
    (writer,) = site.store.glob("log/*")
    shutil.copytree(writer, writer.with_name(writer.name + "-copy"))
    (writer.parent / "notes").mkdir()
    (writer.parent / "notes/000000000001.json").write_text("hello")
    site.write("index.html", b"changed")
    assert site.run().bag == "site/v2"
    assert set(site.seal(2)["log"]) == {writer.name}


def rot(data: bytes) -> bytes:
    """One bit, in a time: it makes sense all the same."""
    return data.replace(b'"eventDateTime":"2', b'"eventDateTime":"3', 1)


@pytest.mark.parametrize("hurt", [lambda _: b"garbage", rot, lambda data: data + b"\n"], ids=["garbage", "a flipped bit", "more"])
def test_a_damaged_end_of_the_log_is_neither_sealed_nor_continued(site, hurt):
    site.run()
    (batch,) = site.store.glob("log/*/*.json")
    batch.chmod(0o644)
    before = batch.read_bytes()
    batch.write_bytes(hurt(before))
    assert batch.read_bytes() != before
    site.write("index.html", b"changed")
    assert site.run().bag == "site/v2"
    assert site.seal(2)["log"] == {}
    assert len(list(site.store.glob("log/*"))) == 2


def test_a_damaged_end_of_anothers_log_is_not_sealed(site):
    """Of another installation's batch nothing is remembered here: it answers for itself."""
    site.run()
    (batch,) = site.store.glob("log/*/*.json")
    site.home = "another"
    site.write("index.html", b"changed")
    site.run()
    assert batch.parent.name in site.seal(2)["log"]
    batch.chmod(0o644)
    batch.write_bytes(rot(batch.read_bytes()))
    site.write("index.html", b"changed again")
    site.run()
    assert batch.parent.name not in site.seal(3)["log"] and len(site.seal(3)["log"]) == 1


def test_an_altered_end_of_the_log_is_not_continued(site):
    """Somebody made its sum right as well: only this installation knows what it wrote. A next batch would vouch for the forgery."""
    site.run()
    (batch,) = site.store.glob("log/*/*.json")
    value = json.loads(batch.read_bytes())
    value["events"][0]["eventDetail"] = "nothing to see"
    del value["sum"]
    batch.chmod(0o644)
    batch.write_bytes(canonical.summed(value))
    site.write("index.html", b"changed")
    assert site.run().bag == "site/v2"
    assert site.seal(2)["log"] == {}  # nor does the seal vouch for it
    (chain,) = {path.parent for path in site.store.glob("log/*/000000000001.json")} - {batch.parent}
    assert json.loads((chain / batch.name).read_bytes())["previous"] is None
    assert list(batch.parent.iterdir()) == [batch]


def test_one_chain_however_many_runs_append_at_once(site):
    with Catalogue.open(Context(site.root / "home").catalogue) as catalogue:
        number = catalogue.see_store("a" * 32, str(site.store))
        store = open_store(str(site.store))
        threads = [threading.Thread(target=log.append, args=(catalogue, store, number, "a" * 32, [])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (chain,) = site.store.glob("log/*")
    batches = [json.loads(path.read_bytes()) for path in sorted(chain.iterdir())]
    assert [batch["seq"] for batch in batches] == list(range(1, 9))
    for before, path in zip(sorted(chain.iterdir()), batches[1:], strict=False):
        assert path["previous"] == Digest.of(before.read_bytes()).hex


def test_a_bag_known_to_lie_on_an_absent_disk_is_not_numbered_over(site):
    site.run()
    site.write("index.html", b"changed")
    site.run()
    other = site.root / "other disk"
    init_store(str(other))
    site.store.rename(site.root / "drawer")
    site.store_url = f"{{url: '{site.store}', offline: true}}, '{other}'"
    site.write("index.html", b"changed again")
    with pytest.raises(StoreUnreachableError, match="site/v2"):
        site.run()
    assert not (other / "bags").exists()
    (site.root / "drawer").rename(site.store)
    assert site.run().bag == "site/v3"


def test_a_store_put_back_to_an_older_state_is_found_and_the_number_not_reused(site):
    site.run()
    shutil.copytree(site.store, site.root / "backup")
    site.write("index.html", b"second")
    site.run()
    shutil.rmtree(site.store)
    (site.root / "backup").rename(site.store)
    site.write("index.html", b"third")
    report = site.run()
    assert (report.bag, report.exit_status) == ("site/v3", 1)
    assert "seal-damaged" in site.codes(report)


def test_restricted_contents_stay_so_when_the_catalogue_is_lost(site):
    restricted = type(site)(site.root, site.runner, "dedup: collection\n", name="restricted")
    restricted.run()
    shutil.rmtree(site.root / "home")
    assert site.run().new_contents == 3, "an open collection shares nothing with a restricted one"
    shutil.rmtree(site.root / "home")
    restricted.settings = "dedup: collection\ntitle: new\n"
    assert restricted.run().new_contents == 0, "and the restricted one still finds its own"


def test_an_index_with_absurd_numbers_is_passed_over(site):
    site.run()
    (index,) = site.store.glob("packs/*/*.jsonl")
    index.chmod(0o644)
    line = b'{"length":%d,"offset":512,"sha256":"%s"}\n' % (10**30, b"0" * 64)
    index.write_bytes(line + b'{"count":1,"sha256":"%s"}\n' % Digest.of(line).hex.encode())
    with pytest.raises(InvalidValueError):
        parse_index(index.read_bytes())
    site.home = "second"
    site.settings = "title: t\n"
    assert site.run().bag == "site/v2"


def test_a_truncated_pack_is_repaired_beside_once_and_then_the_runs_are_quiet(site):
    site.run()
    (pack,) = site.store.glob("packs/*/*.tar")
    pack.chmod(0o644)
    os.truncate(pack, 700)
    assert site.run().exit_status == 1
    assert site.run().exit_status == 0
    report = site.run()
    assert (report.outcome, report.exit_status, report.new_contents) == ("unchanged", 0, 0)


def test_dates_beyond_what_64_bits_of_nanoseconds_hold_do_not_stop_the_run(site):
    path = site.write("from the future", b"x")
    os.utime(path, (9_300_000_000, 9_300_000_000))
    os.utime(site.source / "pages", (9_300_000_000, 9_300_000_000))
    if path.stat().st_mtime_ns < 1 << 63:
        pytest.skip("this file system keeps no such date")
    assert site.run().bag == "site/v1"


def test_the_home_is_not_archived_with_a_source_around_it(site):
    site.home = "source/state"
    report = site.run()
    assert report.excluded == {"system-file": 1}
    assert len(site.payload(1)) == 4
    assert site.run().outcome == "unchanged"


def test_names_of_what_is_left_out_are_no_change_of_the_collection(site):
    site.settings = "exclude: ['*.tmp']\n"
    site.run()
    with open(os.fsencode(site.source) + b"/\xff.tmp", "wb"):
        pass
    assert site.run().outcome == "unchanged"


def test_links_between_folders_do_not_multiply(site):
    site.settings = "symlinks: follow\n"
    for number in range(7):
        (site.source / f"f{number}").mkdir()
        for other in range(7):
            (site.source / f"f{number}/to{other}").symlink_to(f"../f{other}")
    report = site.run()
    assert report.exit_status == 0
    assert len(site.lines(1, "metadata/structure.jsonl")) < 1000


def test_events_count_files_not_reads(site):
    site.run()
    (event,) = [line for line in site.lines(1, "metadata/events.jsonl") if line["eventType"] == "message digest calculation"]
    assert event["eventDetail"].startswith("sha256, sha512 of 4 files read in this run; 0 were known")


def test_what_was_stored_again_is_in_the_log(site):
    site.run()
    next(site.store.glob("packs/*/*.tar")).unlink()
    site.run()
    last = max(site.store.glob("log/*/*.json"))
    assert [event["eventType"] for event in json.loads(last.read_bytes())["events"]] == ["repair"]


def test_odd_seals_and_headers_are_refused_as_values():
    with pytest.raises(InvalidValueError):
        parse_seal(b'{"format":"strongroom-seal/1","bag":"a/v1","attempt":"x","previous":null,"sealed":""}', what="seal")
    header = bytearray(member_header(b"a" * 64, 0))
    header[124:136] = b"-0000001000\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(InvalidValueError):
        parse_header(header)
