"""Many random faults in one store, a sound replica: all of it is brought back."""

from __future__ import annotations

import os
import random

import pytest

from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair

BOTH = ["one", "two"]


def flip(path, data, chance):
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def truncate(path, data, chance):
    path.write_bytes(data[: chance.randrange(len(data))])


def extend(path, data, chance):
    path.write_bytes(data + chance.randbytes(7))


def zero(path, data, chance):
    path.write_bytes(bytes(len(data)))


def remove(path, data, chance):
    path.unlink()


@pytest.mark.parametrize("seed", range(1, 4))
def test_audit_and_repair_bring_all_of_it_back(place, seed):
    chance = random.Random(seed)
    for version in range(3):
        for number in range(30):
            place.write("site", f"{version}/{number}", b"version %d page %d" % (version, number) * 20)
        place.write("site", f"{version}/large", os.urandom(5 << 20))
        place.archive("site", BOTH)
    place.replicate("site", BOTH)
    before = {bag: (place.payload("one", bag), place.tag_side("two", bag)) for bag in place.bags("one")}
    url = place.folder("one").as_uri()
    assert audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status == 0
    place.replicate("site", BOTH)  # the log of the audit
    objects = sorted(name for name in place.objects("one") if name != "strongroom.json" and not name.startswith("checks/"))
    hurt = chance.sample(objects, 25)
    for name in hurt:
        path = place.folder("one") / name
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        chance.choice([flip, truncate, extend, zero, remove] if data else [extend, remove])(path, data, chance)
    assert audit(AuditRequest(stores=(url,)), place.context, place.runner).exit_status == 1
    report = repair(place.context, place.runner, stores=[url])
    assert report.exit_status == 0, [str(finding) for finding in report.findings if finding.severity.value == "error"]
    again = audit(AuditRequest(stores=(url,)), place.context, place.runner)
    assert again.exit_status == 0, [str(finding) for finding in again.findings if finding.severity.value == "error"]
    place.detach("two")
    for bag, (payload, tags) in before.items():
        here = place.folder("one") / f"bags/{bag}"
        for name, data in tags.items():
            assert data in [path.read_bytes() for path in here.glob(f"{name}*") if path.name.partition("~")[0] == name.rpartition("/")[2]]
        stored = place.stored("one")
        assert set(payload.values()) <= set(stored.values())
