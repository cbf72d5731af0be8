"""What a sweep of file stores collects, and that it collects nothing else."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile

import pytest

from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Severity
from strongroom.core.ids import BagId
from strongroom.core.pack import PackBuilder
from strongroom.core.tombstone import Action
from strongroom.stores.describe import open_known_store
from strongroom.stores.generations import put_or_generation
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.repair.run import repair
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.sealed.seals import STAYS, read_seals
from strongroom.usecases.sweep.grace import passed
from strongroom.usecases.sweep.run import sweep
from tests.fixtures.tombstones import write_tombstone
from tests.replicate.conftest import Place

PAGE = b"this page must go " + bytes(range(256)) * 4


def swept(place: Place, *stores: str, **options):
    return sweep(place.context, place.runner, stores=[f"file://{place.folder(store)}" for store in stores], **options)


def filled(place: Place, *, versions: int = 3, pages: int = 30) -> dict[str, dict[str, bytes]]:
    """A collection in two stores; what each of its bags holds."""
    held = {}
    place.write("site", "page.html", PAGE)
    for number in range(pages):
        place.write("site", f"{number}.html", b"page %d " % number * 50)
    place.write("site", "large.bin", os.urandom(5 << 20))
    for version in range(1, versions + 1):
        place.write("site", "changing.txt", b"state %d" % version)
        assert place.archive("site", ["one", "two"]).outcome == "sealed"
        place.replicate("site", ["one", "two"])
        held[f"site/v{version}"] = place.payload("one", f"site/v{version}")
    return held


def stray_pack(place: Place, *contents: bytes) -> str:
    """A pack that no bag needs, as a run that was cut off leaves it."""
    builder = PackBuilder()
    for data in contents:
        builder.add(Digest.of(data), data)
    stored, index, digest, _ = builder.finish()
    store = open_known_store(str(place.folder("one")), None)
    put_or_generation(store, keys.pack(digest), stored, digest)
    put_or_generation(store, keys.pack_index(digest), index, Digest.of(index))
    return keys.pack(digest).text


def withhold(place: Place, *names: str, data: bytes = PAGE) -> None:
    for name in names:
        store = open_known_store(str(place.folder(name)), None)
        write_tombstone(store, Digest.of(data), Action.WITHHOLD, "a court said so", ["somebody"])


def worse_than_notes(report) -> list:
    return [one for one in report.findings if one.severity is not Severity.NOTE]


def hurt(place: Place, store: str, key: str) -> None:
    path = place.folder(store) / key
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_store_that_needs_everything_loses_nothing_and_gets_no_record(place: Place) -> None:
    filled(place)
    before = place.objects("one")
    report = swept(place)
    assert (report.exit_status, report.findings) == (0, ())
    assert place.objects("one") == before


def test_each_kind_is_collected_and_nothing_else(place: Place) -> None:
    held = filled(place)
    before = place.objects("one")
    store = open_known_store(str(place.folder("one")), None)
    pack = stray_pack(place, b"nobody's", b"nobody's either")
    large = os.urandom(5 << 20)
    put_or_generation(store, keys.content(Digest.of(large)), large, Digest.of(large))
    dead = Attempt.open(store, BagId("site", 2))  # its number has another's seal
    tag = keys.tag_file(dead.bag, dead.id, "bagit.txt")
    put_or_generation(store, tag, b"x", Digest.of(b"x"))
    closed = Attempt.open(store, BagId("site", 9))
    closed.close("nothing had changed")
    orphan = keys.pack_index(Digest.of(b"an index without its pack"))
    put_or_generation(store, orphan, b"{}\n", Digest.of(b"{}\n"))

    seen = swept(place, "one", dry_run=True)
    assert place.objects("one") >= before | {pack} and not any(key.startswith("sweep/") for key in place.objects("one"))
    report = swept(place, "one")
    assert report.exit_status == 0, report.findings
    assert seen.stores[0].condemned == report.stores[0].condemned
    left = {key for key in place.objects("one") - before if not key.startswith(("sweep/", "log/"))}
    assert left == {keys.attempt_closed(closed.bag, closed.id).text}
    assert before <= place.objects("one")
    for bag, payload in held.items():
        assert place.payload("one", bag) == payload
    checked = audit(AuditRequest(), place.context, place.runner)
    assert checked.exit_status == 0 and worse_than_notes(checked) == []
    assert swept(place, "one").stores[0].condemned == {}


def test_a_damaged_copy_goes_only_beside_a_sound_one(place: Place) -> None:
    held = filled(place)
    pack = sorted(key for key in place.objects("one") if key.endswith(".tar"))[0]
    hurt(place, "one", pack)
    assert swept(place, "one").stores[0].deleted == 0
    assert (place.folder("one") / pack).exists()
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 1
    assert repair(place.context, place.runner).exit_status == 0
    report = swept(place, "one")
    assert report.stores[0].condemned == {"damaged": 1}
    assert not (place.folder("one") / pack).exists() and (place.folder("one") / f"{pack}~1").exists()
    for bag, payload in held.items():
        assert place.payload("one", bag) == payload
    assert worse_than_notes(audit(AuditRequest(), place.context, place.runner)) == []


def test_a_damaged_seal_stays_and_is_said_once_and_plainly(place: Place) -> None:
    """Its key is the number of the bag: who found it free would seal a second bag there. So nobody is warned of it for ever."""
    filled(place)
    key = "bags/site/v3/seal.json"
    sealed = place.folder("one") / key
    sealed.chmod(0o644)
    sealed.write_bytes(b'{"bag":"site/v3" "seal"')
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 1
    assert repair(place.context, place.runner).exit_status == 0
    assert swept(place, "one").stores[0].condemned == {} and sealed.exists() and sealed.with_name("seal.json~1").exists()
    for report in (
        place.archive("site", ["one", "two"]), place.replicate("site", ["one", "two"]), audit(AuditRequest(), place.context, place.runner),
    ):
        (finding,) = (one for one in report.findings if key in one.place)
        assert (finding.code, finding.severity) == (Code.SEAL_COPY_DAMAGED, Severity.NOTE)
        assert key not in finding.message and finding.message.endswith(STAYS)
        assert worse_than_notes(report) == []
    (unparsed,) = read_seals(open_known_store(str(place.folder("one")), None), BagId("site", 3)).findings
    assert unparsed.message.startswith("damaged: is not JSON (line 1, column 18: ")


def test_it_waits_for_whoever_is_open_and_then_goes_on(place: Place) -> None:
    filled(place, versions=1)
    pack = stray_pack(place, b"nobody's")
    attempt = Attempt.open(open_known_store(str(place.folder("one")), None), BagId("site", 2))
    report = swept(place, "one")
    assert report.exit_status == 3 and report.stores[0].waits_for == (f"site/v2/{attempt.id}",)
    assert (place.folder("one") / pack).exists()
    attempt.close("it ended")
    assert swept(place, "one").exit_status == 0
    assert not (place.folder("one") / pack).exists()


def test_open_attempts_can_be_voided_and_their_number_is_not_used_again(place: Place) -> None:
    filled(place, versions=1)
    pack = stray_pack(place, b"nobody's")
    Attempt.open(open_known_store(str(place.folder("one")), None), BagId("site", 2))
    report = swept(place, "one", void_open=True)
    assert report.exit_status == 0, report.findings
    assert not (place.folder("one") / pack).exists()
    place.write("site", "new.txt", b"new")
    assert place.archive("site", ["one", "two"]).bag == "site/v3"


def test_while_a_seal_is_lost_nothing_is_condemned(place: Place) -> None:
    filled(place)
    (place.folder("one") / "bags/site/v2/seal.json").unlink()
    before = place.objects("one")
    report = swept(place, "one")
    assert report.exit_status == 1 and {one.code.label for one in report.findings} == {"sweep-refused"}
    assert place.objects("one") == before


@pytest.mark.parametrize("settings", ["", "compression: zstd\n"])
def test_a_withheld_page_is_gone_from_every_store_and_all_else_is_there(place: Place, settings: str) -> None:
    place.write("site", "page.html", PAGE)
    for number in range(1000):
        place.write("site", f"{number}.html", b"page %d " % number * 5)
    versions = 30
    held = {}
    for version in range(1, versions + 1):
        place.write("site", "changing.txt", b"state %d" % version)
        assert place.archive("site", ["one", "two"], settings).outcome == "sealed"
    place.replicate("site", ["one", "two"], settings)
    if not settings:
        held = {f"site/v{version}": place.payload("one", f"site/v{version}") for version in range(1, versions + 1)}
    withhold(place, "one", "two")
    assert swept(place).stores[0].in_grace == 1  # and stays for now
    report = swept(place, grace_days=0)
    assert report.exit_status == 0, report.findings
    for store in ("one", "two"):
        assert not _anywhere(place, store, PAGE)
        for bag, payload in held.items():
            stored = place.stored(store)
            assert Digest.of(PAGE).hex not in stored
            lines = (place.folder(store) / f"bags/{bag}" / place.seal(store, bag)["attempt"] / "bag/manifest-sha256.txt").read_text()
            for digest, path in (line.split("  ", 1) for line in lines.splitlines()):
                assert path == "data/page.html" or stored[digest] == payload[path]
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 0
    report = place.archive("site", ["one", "two"], settings)
    assert report.exit_status == 0 and not _anywhere(place, "one", PAGE)
    place.replicate("site", ["one", "two"], settings)
    assert not _anywhere(place, "two", PAGE)


def _anywhere(place: Place, store: str, data: bytes) -> bool:
    """Whether the bytes lie in any file of the store, in packs that are compressed as well."""
    for path in place.folder(store).rglob("*"):
        if path.is_file():
            if data in path.read_bytes():
                return True
            if path.name.endswith(".zst"):
                import zstandard

                reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes()), read_across_frames=True)
                if data in reader.read():
                    return True
    return False


def test_a_condemned_key_is_never_written_again(place: Place) -> None:
    filled(place, versions=1)
    text = b"first nobody's, then somebody's"
    pack = stray_pack(place, text)
    assert swept(place, "one").stores[0].deleted == 2
    store = open_known_store(str(place.folder("one")), None)
    before = place.objects("one")
    place.write("other", "only.txt", text)
    assert place.archive("other", ["one"]).outcome == "sealed"
    assert not (place.folder("one") / pack).exists()
    assert f"{pack}~1" in place.objects("one") - before
    assert place.payload("one", "other/v1") == {"data/only.txt": text}
    assert store.head(keys.StoreKey(f"{pack}~1")).size
    assert worse_than_notes(audit(AuditRequest(), place.context, place.runner)) == []


def test_grace_is_not_passed_by_a_clock_that_jumps() -> None:
    days = [f"2026-01-{day:02d}T00:00:00Z" for day in range(1, 32)]
    assert passed(days, 30).days == 29
    assert passed([*days, "2026-02-01T00:00:00Z"], 30).days == 30
    assert passed(["2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"], 30).days == 0
    assert passed(["2036-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], 30).days == 0
    assert passed([days[0], "2036-01-01T00:00:00Z", days[1], days[2]], 30).days == 1
    assert passed([days[0]], 30).days == 0


def test_a_damaged_record_deletes_nothing(place: Place) -> None:
    filled(place, versions=1)
    pack = stray_pack(place, b"nobody's")
    attempt = None

    def stop(*_: object) -> bool:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("strongroom.usecases.sweep.one_store.StoreRun._is_ready", stop)
        with pytest.raises(KeyboardInterrupt):
            swept(place, "one")
    assert attempt is None
    part = place.folder("one") / "sweep/000000000001/keys-0001.jsonl"
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-40])
    report = swept(place, "one")
    assert "sweep-kept" in {one.code.label for one in report.findings}
    assert not (place.folder("one") / pack).exists()  # by a record that is whole
    assert len(list(place.folder("one").glob("sweep/*"))) == 2


def test_members_are_read_from_the_pack_and_not_believed_of_its_index(place: Place) -> None:
    held = filled(place, versions=1)
    pack = next(key for key in sorted(place.objects("one")) if key.endswith(".tar"))
    index = place.folder("one") / pack.replace(".tar", ".jsonl")
    builder = PackBuilder()
    builder.add(Digest.of(b"a lie"), b"a lie")
    index.chmod(0o644)
    index.write_bytes(builder.finish()[1])
    assert swept(place, "one").stores[0].condemned == {}
    assert place.payload("one", "site/v1") == held["site/v1"]
    with tarfile.open(place.folder("one") / pack) as tar:
        assert len(tar.getmembers()) > 2




def test_another_installation_misses_nothing_and_brings_nothing_back(place: Place) -> None:
    held = filled(place)
    others = Context(place.root / "home-2")
    shutil.copytree(place.context.home, others.home)
    withhold(place, "one", "two")
    withheld_pack = next(key for key in place.objects("one") if key.endswith(".tar") and PAGE in (place.folder("one") / key).read_bytes())
    assert swept(place, grace_days=0).exit_status == 0
    checked = audit(AuditRequest(), others, place.runner)
    assert checked.exit_status == 0 and worse_than_notes(checked) == []
    quick = audit(AuditRequest(quick=True), others, place.runner)
    assert quick.exit_status == 0 and worse_than_notes(quick) == []
    assert repair(others, place.runner).repaired == 0
    place.write("site", "later.txt", b"a later state")
    manifest = place.manifest("site", ["one", "two"])
    report = archive(manifest, others, place.runner)
    assert report.exit_status == 0 and report.outcome == "sealed", report.findings
    replicate([manifest], others, place.runner)
    for store in ("one", "two"):
        assert withheld_pack not in place.objects(store) and not _anywhere(place, store, PAGE)
    assert set(held["site/v1"].values()) - {PAGE} <= set(place.stored("two").values())


@pytest.mark.parametrize("events", [
    True, [7], [{"eventType": "ingestion", "linkingObjectIdentifier": 7}],
    [{"eventType": "ingestion", "linkingObjectIdentifier": [7, "store:x"]}],
])
def test_a_log_that_makes_no_sense_stops_no_sweep(place: Place, events: object) -> None:
    filled(place, versions=1)
    (batch,) = list(place.folder("one").glob("log/*/*1.json"))[:1]
    batch.chmod(0o644)
    batch.write_bytes(canonical.dumps({**json.loads(batch.read_bytes()), "events": events}))
    assert swept(place, "one").exit_status == 0
