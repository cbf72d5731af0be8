"""Files that changed places are both damaged, and neither is lost."""

from __future__ import annotations

import os
import shutil

from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair
from tests.replicate.conftest import Place

BOTH = ["one", "two"]


def swap(place: Place, store: str, one: str, other: str) -> None:
    paths = [place.folder(store) / key for key in (one, other)]
    first, second = (path.read_bytes() for path in paths)
    for path, data in zip(paths, (second, first), strict=True):
        path.chmod(0o644)
        path.write_bytes(data)


def test_what_changed_places_in_one_store_is_put_right_though_no_other_copy_is_sound(place):
    """Large contents, packs, and a pair of tag files; the other store has lost its copies of them all."""
    for name in ("site", "maps"):
        place.write(name, "page.html", f"a page of {name}".encode())
        place.write(name, "large.bin", os.urandom(5 << 20))
        place.archive(name, BOTH)
        place.replicate(name, BOTH)
        shutil.rmtree(place.source(name))
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 0
    tags = {bag: f"bags/{bag}/{place.seal('one', bag)['attempt']}/bag/metadata/technical.jsonl" for bag in ("site/v1", "maps/v1")}
    pairs = [sorted(name for name in place.objects("one") if name.startswith(prefix) and name.endswith(suffix))
             for prefix, suffix in (("content/", ""), ("packs/", ".tar"))] + [sorted(tags.values())]
    for pair in pairs:
        swap(place, "one", *pair)
        for key in pair:
            (place.folder("two") / key).unlink()
    shutil.rmtree(place.context.home / "kept")
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 1
    report = repair(place.context, place.runner)
    assert report.exit_status == 0, report.findings
    said = [str(finding) for finding in report.findings if finding.code.label == "repaired"]
    assert sum("where it lay at" in line for line in said) == 6
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 0
