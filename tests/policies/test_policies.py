"""What collection manifests say of a store holds for every audit of it, unless the person says otherwise."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import CheckRow, all_checks, record_checks
from strongroom.cli.main import main
from strongroom.collections.load import load
from strongroom.core.events import utc_text
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.due.run import due
from strongroom.usecases.policies import Policies
from strongroom.usecases.replicate.after import archive_and_replicate
from strongroom.usecases.replicate.run import replicate


def manifest(place, name, stores, settings=""):
    """`stores`: what each entry says besides its URL, by name."""
    lines = "".join(f"  - {{url: '{place.stores[store]}'{more and ', '}{more}}}\n" for store, more in stores.items())
    file = place.root / f"{name}.yaml"
    file.write_text(f"collection: {name}\nsource: {place.source(name)}\nstores:\n{lines}{settings}")
    return load(file)


def archive(place, described):
    report = archive_and_replicate(described, place.context, place.runner, replicas=False)
    assert report.exit_status == 0, report.findings


def fill(place, name, files=4, size=5 << 20):
    for number in range(files):
        place.write(name, f"{number}.bin", bytes([number + 1]) * size + name.encode())


def look(place, **options):
    return audit(AuditRequest(**options), place.context, place.runner)


def age(place, days):
    """As if everything had been read so long ago."""
    with Catalogue.open(place.context.catalogue) as catalogue:
        numbers = [catalogue.store_number(row.id) for row in catalogue.stores()]
        then = utc_text(datetime.now(UTC) - timedelta(days=days))
        for number in numbers:
            rows = [CheckRow(r.key, r.seq, r.outcome, then, r.size, r.expected, r.found) for r in all_checks(catalogue, number)]
            record_checks(catalogue, number, rows)


def test_the_strictest_of_several_manifests_holds_and_an_entry_goes_before_its_collection(place):
    one = manifest(place, "one", {"one": "max_age_days: 40, max_bytes: 7 GB", "two": ""}, "audit: {max_age_days: 90, max_minutes: 20}\n")
    two = manifest(place, "two", {"one": "max_age_days: 60, rate_limit: 5 MB"}, "audit: {max_bytes: 3 GB, max_minutes: 30}\n")
    three = manifest(place, "three", {"one": "rate_limit: 8 MB, offline: true"})
    policies = Policies([one, two, three])
    url = one.stores[0].url
    policy = policies.audit(None, url)
    assert (policy.max_age_days, policy.max_bytes, policy.max_minutes) == (40, 3 * 10**9, 20)
    assert policies.options(None, url, 4).rate_limit == 1_250_000
    assert not policies.is_offline(None, url)  # one of them misses it when it is away
    other = policies.audit(None, one.stores[1].url)
    assert (other.max_age_days, other.max_bytes, other.max_minutes) == (90, None, 20)
    assert policies.options(None, one.stores[1].url, 4).rate_limit is None
    stranger = policies.audit("0" * 32, "file:///elsewhere")
    assert (stranger.max_age_days, stranger.max_bytes, stranger.max_minutes) == (None, None, None)


def test_an_audit_without_flags_keeps_to_the_budget_and_a_flag_goes_before_it(place):
    fill(place, "site")
    archive(place, manifest(place, "site", {"one": "max_bytes: 6 MB"}))
    first = look(place).stores[0]
    assert 6_000_000 <= first.bytes_read < 6_000_000 + (6 << 20) and first.left > 0
    assert look(place, max_bytes=1).stores[0].bytes_read < first.bytes_read
    whole = look(place, everything=True).stores[0]
    assert (whole.left, whole.bytes_read >= 20 << 20) == (0, True)


def test_the_command_and_due_keep_to_it_too(place, monkeypatch, capfd):
    monkeypatch.setenv("STRONGROOM_HOME", str(place.context.home))
    fill(place, "site")
    described = manifest(place, "site", {"one": "max_bytes: 6 MB"})
    archive(place, described)
    assert main(["audit", "--json", "--quiet", "--no-prefect"]) == 0
    assert json.loads(capfd.readouterr().out)["stores"][0]["left"] > 0
    assert due([described], place.context, place.runner).audits[0].to_json()["stores"][0]["bytes_read"] < 13 << 20
    assert main(["audit", "--json", "--quiet", "--no-prefect", "--full"]) == 0
    assert json.loads(capfd.readouterr().out)["stores"][0]["bytes_read"] >= 20 << 20


def test_what_reaches_two_thirds_of_its_age_is_read_and_the_rest_is_not(place):
    fill(place, "site", files=2)
    archive(place, manifest(place, "site", {"one": "max_age_days: 30"}))
    first = look(place).stores[0]
    assert first.bytes_read >= 10 << 20 and (first.max_age_days, first.never_read) == (30, 0)  # what was only written is not read yet
    age(place, 19)
    again = look(place).stores[0]
    assert again.bytes_read < 1 << 20 and again.recent_share > 0.99
    age(place, 21)
    assert look(place, max_age_days=25).stores[0].bytes_read < 1 << 20  # said by a person: exactly so
    age(place, 21)
    assert look(place).stores[0].bytes_read >= 10 << 20


def test_damage_is_said_again_until_it_is_healed_however_recently_it_was_read(place):
    fill(place, "site", files=2)
    archive(place, manifest(place, "site", {"one": "max_age_days: 300"}))
    content = next(place.folder("one").glob("content/*/*"))
    sound = content.read_bytes()
    content.chmod(0o644)
    content.write_bytes(b"!" + sound[1:])
    assert [look(place).exit_status for _ in range(3)] == [1, 1, 1]
    (content.parent / f"{content.name}~1").write_bytes(sound)
    assert look(place).exit_status == 0
    assert look(place).stores[0].bytes_read < 1 << 20


@pytest.mark.parametrize(("offline", "status"), [("true", 0), ("false", 3)])
def test_a_disk_in_a_drawer_is_no_alarm(place, offline, status):
    place.write("site", "a", b"a")
    described = manifest(place, "site", {"one": "", "two": f"offline: {offline}"})
    archive(place, described)
    assert replicate([described], place.context, place.runner).brought == 1
    place.detach("two")
    report = look(place)
    assert report.exit_status == status, report.findings
    assert due([described], place.context, place.runner).exit_status == status
    assert look(place, stores=(str(place.folder("two")),)).exit_status == 3  # named, and not there
    with Catalogue.open(place.context.catalogue) as catalogue:
        assert not [row for number in (1, 2) for row in all_checks(catalogue, number) if row.outcome is CheckOutcome.MISSING]


def test_a_manifest_that_is_gone_is_said_and_the_store_audited_all_the_same(place):
    place.write("site", "a", b"a")
    archive(place, manifest(place, "site", {"one": "max_bytes: 1"}))
    (place.root / "site.yaml").unlink()
    report = look(place)
    assert [finding.code.label for finding in report.findings if finding.code.label != "no-seal-signature"] == ["manifest-unusable"]
    assert (report.exit_status, report.stores[0].left) == (0, 0)


@pytest.mark.parametrize("job", ["archive", "audit", "replicate"])
def test_a_rate_limit_is_kept(place, job):
    """4 MB at 2 MB a second take 2 s at least, by however many processes."""
    for number in range(40):
        place.write("site", f"{number}", bytes([number]) * 100_000)
    limits = {"one": "rate_limit: 2 MB"} if job != "replicate" else {"one": "", "two": "rate_limit: 2 MB"}
    described = manifest(place, "site", dict.fromkeys(limits, "") if job == "audit" else limits)
    began = time.monotonic()
    archive(place, described)
    if job == "audit":
        manifest(place, "site", limits)
        began = time.monotonic()
        assert look(place).stores[0].bytes_read >= 4_000_000
    elif job == "replicate":
        began = time.monotonic()
        assert replicate([described], place.context, place.runner).brought == 1
    assert time.monotonic() - began > 2.0
