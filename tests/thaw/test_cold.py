"""A store whose packs and large contents lie in a cold class: a real server, and in front of it the documented answers of such a class."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from strongroom.core.findings import Code
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.tombstone import Action
from strongroom.core.warmth import Thawing
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.stores.open import StoreOptions
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.status import status
from strongroom.usecases.sweep.run import sweep
from strongroom.usecases.thaw import run as thaw_module
from strongroom.usecases.thaw.run import ColdError
from strongroom.usecases.withheld.request import WithholdRequest
from strongroom.usecases.withheld.run import withhold
from tests.faults.s3.cold import Glacier
from tests.faults.s3.proxy import Proxy
from tests.fixtures.premises import Premises
from tests.fixtures.reports import check
from tests.fixtures.seaweedfs import S3Server

pytestmark = pytest.mark.s3
LARGE = b"a film that is longer than a pack takes " * (1 << 17)


class Site(Premises):
    url: str
    proxy: Proxy
    cold: Glacier

    @property
    def disk(self) -> str:
        return (self.root / "disk").as_uri()

    def manifest(self, *, disk: bool = False) -> Any:
        entry = {"url": self.url, "endpoint_url": self.proxy.endpoint, "storage_class": "DEEP_ARCHIVE"}
        return self.describe("news", [self.disk, entry] if disk else [entry])

    def archive(self, *, disk: bool = False) -> Any:
        return archive(self.manifest(disk=disk), self.context, self.runner)

    def restore(self, dest: str, **thawing: Any) -> Any:
        request = RestoreRequest("news", self.root / dest, payload_only=True, source=self.url, thawing=Thawing(**thawing))
        return restore(request, self.context, self.runner)

    def audit(self, **options: Any) -> Any:
        return audit(AuditRequest(stores=(self.url,), **options), self.context, self.runner)

    def asked_for(self) -> list[str]:
        return [line for line in self.proxy.seen if line.startswith("POST ") and "?restore" in line]


@pytest.fixture
def site(tmp_path: Path, s3_server: S3Server, s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    url, proxy, cold = s3_bucket(), Proxy(s3_server.endpoint), Glacier()
    init_store(url, StoreOptions(endpoint_url=s3_server.endpoint))
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    monkeypatch.delenv("STRONGROOM_PRICES", raising=False)
    with LocalRunner(1, quiet=True) as runner, proxy.doing(cold.fault()):
        made = Site(tmp_path, runner)
        made.url, made.proxy, made.cold = url, proxy, cold
        init_store(made.disk)
        for number in range(5):
            made.write("news", f"{number}.html", b"page %d" % number * 40)
        made.write("news", "film.bin", LARGE)
        yield made
    proxy.close()


def test_priced_first_asked_for_once_and_gone_on_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.archive().outcome == "sealed"
    with pytest.raises(ColdError) as refused:
        site.restore("out")
    offer = str(refused.value)
    assert refused.value.exit_status == 3 and "nothing was spent" in offer and "2 objects" in offer and "DEEP_ARCHIVE" in offer
    assert re.search(r"--tier bulk +about \$0\.01, there within 48 hours, readable for 7 days", offer) and "expedited" not in offer
    assert "2025-06-01" in offer and "--yes-spend" in offer and site.asked_for() == [] and not (site.root / "out").exists()

    table = site.root / "prices.toml"
    ours = Path(__file__).parents[2] / "src/strongroom/usecases/thaw/prices.toml"
    table.write_text(ours.read_text().replace("thousand = 0.10", "thousand = 50000").replace("2025-06-01", "2031-01-01"))
    monkeypatch.setenv("STRONGROOM_PRICES", str(table))
    with pytest.raises(ColdError, match=r"standard +about \$100\.01(.|\n)*2031-01-01"):
        site.restore("out")
    with pytest.raises(ColdError, match="no tier expedited of DEEP_ARCHIVE"):
        site.restore("out", spend=True, tier="expedited")
    assert site.asked_for() == []

    with pytest.raises(ColdError, match="2 objects are being thawed, mostly within 12 hours") as come:
        site.restore("out", spend=True, tier="standard", days=3)
    assert come.value.exit_status == 3 and len(site.asked_for()) == 2 and sorted(site.cold.asked.values()) == [1, 1]
    assert all(b"<Days>3</Days>" in body and b"<Tier>Standard</Tier>" in body for body in site.cold.bodies)
    with pytest.raises(ColdError, match="asks for nothing twice"):
        site.restore("out")  # nothing is to be spent any more, so nobody needs to agree to it
    assert len(site.asked_for()) == 2
    site.cold.thaw()
    report = site.restore("out")
    assert report.complete and report.exit_status == 0 and report.written == 6, report.findings
    assert (site.root / "out/film.bin").read_bytes() == LARGE and len(site.asked_for()) == 2


def test_what_is_cold_again_is_not_waited_for_forever(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.archive()
    looks, look = [], thaw_module._look

    def counted(*arguments: Any) -> None:
        looks.append(arguments)
        assert len(looks) < 5, "waits for ever"
        look(*arguments)

    monkeypatch.setattr(thaw_module, "_look", counted)
    monkeypatch.setattr(thaw_module, "_PAUSE", 0)
    monkeypatch.setattr(site.runner, "say", lambda _: site.cold.asked.clear())  # what was asked for fails, at the other end
    with pytest.raises(ColdError, match="2 objects that were asked for are cold again"):
        site.restore("out", spend=True, wait=True)


def test_another_store_is_read_before_anything_is_thawed(site: Site) -> None:
    site.archive(disk=True)
    brought = replicate([site.manifest(disk=True)], site.context, site.runner)  # read back by the checksums the server keeps
    assert brought.exit_status == 0, brought.findings
    report = site.restore("out")
    assert report.complete and report.exit_status == 0 and report.stores == (site.disk,)
    assert not {one.code for one in report.findings} & {Code.COPY_DAMAGED, Code.UNREADABLE}

    bucket, prefix = site.url.removeprefix("s3://").split("/")
    client = boto3.client("s3")
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    lost = [key for key in keys if key.endswith(".tar") or "/content/" in key]
    for key in lost:
        client.delete_object(Bucket=bucket, Key=key)
    assert site.audit().exit_status == 1
    healed = repair(site.context, site.runner, stores=[site.url])
    assert healed.exit_status == 0, healed.findings
    assert len(lost) == 2 and {client.head_object(Bucket=bucket, Key=key).get("StorageClass") for key in lost} == {"DEEP_ARCHIVE"}
    assert site.audit().exit_status == 0 and site.asked_for() == []


def test_cold_is_not_damaged(site: Site) -> None:
    site.archive()
    for _ in range(2):
        report = site.audit()
        (store,) = report.stores
        assert report.exit_status == 0, report.findings
        assert store.outcomes[CheckOutcome.COLD] == 2 and not store.outcomes.get(CheckOutcome.UNREADABLE)
        (said,) = [one for one in report.findings if one.code is Code.COLD]
        assert "2 objects" in said.message and "cold, not read" in said.message
    check(report.to_json(), "audit-report")
    found = status(site.context)
    assert (found.stores[0].unsound, found.stores[0].unreadable, found.stores[0].cold) == (0, 0, 2)
    assert site.audit(quick=True).exit_status == 0
    site.write("news", "new.html", b"new")
    second = site.archive()  # relies on what this installation wrote and had compared when it came
    assert second.outcome == "sealed" and second.new_contents == 1, second.findings


def test_what_is_withheld_goes_unthawed_but_for_what_shares_a_pack(site: Site) -> None:
    site.archive()
    for path in ("film.bin", "1.html"):
        request = WithholdRequest(Action.WITHHOLD, "asked for by the person", "news", paths=(path,))
        assert withhold(request, site.context, site.runner, lambda _: True).exit_status == 0
    report = sweep(site.context, site.runner, stores=[site.url], grace_days=0)
    assert report.exit_status == 0 and report.stores[0].condemned == {"withheld": 1}, report.findings
    (kept,) = [one for one in report.findings if one.code is Code.SWEEP_KEPT]
    assert "/packs/" in kept.place.replace(": ", "/") and "have it thawed" in kept.message
    keys = [line.split("?")[0] for line in site.asked_for()]
    assert keys == []
    site.cold.asked = {path.split(" ")[1].split("?")[0]: 1 for path in site.proxy.seen if ".tar" in path and path.startswith("GET")}
    site.cold.thaw()
    again = sweep(site.context, site.runner, stores=[site.url], grace_days=0)
    assert again.stores[0].condemned.get("withheld", 0) >= 1 and not [one for one in again.findings if one.code is Code.SWEEP_KEPT]


def test_what_nobody_here_has_read_is_not_relied_upon(site: Site) -> None:
    site.archive()
    (site.root / "home").rename(site.root / "lost")
    site.write("news", "new.html", b"new")
    report = site.archive()
    assert report.outcome == "sealed" and report.new_contents == 7, report.findings
    assert {one.code for one in report.findings} == {Code.COLD} and report.exit_status == 0
