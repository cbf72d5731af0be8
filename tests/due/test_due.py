"""One command after plugging a disk in."""

import hashlib

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import last_seq
from strongroom.usecases.due.run import due

BOTH = ["one", "two"]


def run(place, **options):
    return due([place.manifest("site", BOTH)], place.context, place.runner, **options)


def test_two_disks_in_turn_over_ten_cycles_are_complete_and_audited(place):
    place.offline = True
    place.write("site", "start.html", b"where it began")
    place.detach("one")
    place.detach("two")
    attached = None
    audits = []
    for cycle in range(10):
        if attached:
            place.detach(attached)
        attached = BOTH[cycle % 2]
        place.attach(attached)
        place.write("site", f"{cycle}.html", b"what came in cycle %d" % cycle)
        assert place.archive("site", BOTH).bag == f"site/v{cycle + 1}"
        report = run(place)
        assert not [str(finding) for finding in report.replicate.findings if finding.severity.value != "note"]
        assert report.repair.repaired == 0
        assert len(place.bags(attached)) == cycle + 1
        with Catalogue.open(place.context.catalogue) as catalogue:
            numbers = {row.url[-3:]: catalogue.see_store(row.id, row.url) for row in catalogue.stores()}
            audits.append(last_seq(catalogue, numbers[attached]))
    assert audits == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for bag in place.bags("two"):
        assert len(place.payload("two", bag)) == 1 + int(bag.rpartition("v")[2])


def test_what_the_audit_finds_is_healed_and_a_second_run_is_clean(place):
    for number in range(20):
        place.write("site", f"{number}.html", b"page %d" % number * 40)
    place.archive("site", BOTH)
    assert run(place).exit_status == 0
    pack = next(place.folder("one").glob("packs/*/*.tar"))
    seal = place.folder("one") / "bags/site/v1/seal.json"
    manifest = next(place.folder("one").glob("bags/site/v1/*/bag/manifest-sha256.txt"))
    for path in (pack, seal, manifest):
        data = bytearray(path.read_bytes())
        data[3 if path == seal else len(data) // 2] ^= 1  # a seal that still makes sense would be a fork
        path.chmod(0o644)
        path.write_bytes(data)
    report = run(place)
    assert report.repair.exit_status == 0, report.repair.findings
    assert report.audits[0].exit_status == 1
    assert report.exit_status == 0
    assert hashlib.sha256((pack.parent / f"{pack.name}~1").read_bytes()).hexdigest() == pack.name.removesuffix(".tar")
    assert (seal.parent / "seal.json~1").read_bytes() == (place.folder("two") / "bags/site/v1/seal.json").read_bytes()
    again = run(place)
    assert again.audits[0].exit_status == 0, again.audits[0].summary()
    assert again.repair.summary() == ["Nothing is known to be unsound."]
