"""What is overdue and what is not, on the right day."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from cronsim import CronSim

from strongroom.catalogue import Catalogue
from strongroom.cli.main import main
from strongroom.collections.load import load
from strongroom.collections.schemas import load_schema
from strongroom.core.errors import RefusedError
from strongroom.stores.describe import init_store
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.status import status
from tests.fixtures.catalogues import lose, tables

ROOT = Path(__file__).parents[2]
#: Half a day from now: no test is on both sides of it.
HOUR = (datetime.now(UTC).hour + 12) % 24
NIGHTLY = f"schedule: 0 {HOUR} * * *\n"
DAY = timedelta(days=1)


def at(home, now=None):
    report = status(Context(home), now=now)
    jsonschema.Draft202012Validator(load_schema("status-report")).validate(json.loads(json.dumps(report.to_json())))
    return report


def codes(report):
    return [finding.code.label for finding in report.findings if finding.severity.value != "note"]


def said(report):
    return "\n".join(map(str, report.findings))


def now():
    return datetime.now(UTC)


def set_time(home, sql, *values):
    with tables(home) as db:
        assert db.execute(sql, values).rowcount > 0


def read(home, runner):
    return audit(AuditRequest(), Context(home), runner)


# -- archiving


def test_a_run_is_overdue_when_it_was_due_and_its_grace_has_passed(site, home):
    site.settings = NIGHTLY
    site.run()
    due = next(CronSim(f"0 {HOUR} * * *", now()))
    late = due + timedelta(hours=24)
    assert at(home).exit_status == 0
    assert codes(at(home, late - timedelta(minutes=1))) == []
    report = at(home, late + timedelta(minutes=1))
    assert report.exit_status == 1 and codes(report) == ["overdue"]
    assert due.strftime("%Y-%m-%dT%H:00:00Z") in said(report) and "strongroom archive site" in said(report)
    assert len(report.collections[0].overdue) == 1


def test_the_time_zone_and_the_grace_are_the_collections_own(site, home):
    site.settings = f"schedule: {{archive: '0 {(HOUR + 9) % 24} * * *', timezone: Asia/Tokyo, grace_hours: 2}}\n"
    site.run()
    due = next(CronSim(f"0 {HOUR} * * *", now()))
    assert codes(at(home, due + timedelta(minutes=119))) == []
    assert codes(at(home, due + timedelta(minutes=121))) == ["overdue"]


def test_an_unchanged_collection_was_archived_well_and_a_refused_one_was_not(site, home):
    site.settings = NIGHTLY + "max_loss: 10 %\n"
    site.run()
    set_time(home, "UPDATE collections SET last_archive = '2020-01-01T00:00:00Z'")
    assert codes(at(home)) == ["overdue"]
    shutil.rmtree(site.source / "pages")
    with pytest.raises(RefusedError):
        site.run()
    assert codes(at(home)) == ["overdue"]
    site.write("pages/a.html", "<!doctype html><title>A</title><p>Article")
    site.write("pages/copy of a.html", "<!doctype html><title>A</title><p>Article")
    site.run()
    assert codes(at(home)) == []


def test_the_command_that_tells_of_a_failed_run_does_so_whatever_ran_since(site, home, monkeypatch, capsys):
    site.settings = "metadata: {on_invalid: refuse}\n"
    site.write("metadata.csv", f"filename,checksum.md5\nindex.html,{'0' * 32}\n")
    monkeypatch.setenv("STRONGROOM_HOME", str(home))
    assert main(["archive", str(site.manifest()), "--no-prefect", "--workers", "1", "--quiet"]) == 1
    assert main(["audit", "--store", str(site.store), "--no-prefect", "--workers", "1", "--quiet"]) == 0
    (command,) = re.findall(r"`strongroom (report [^`]*)` says more", said(at(home)))
    assert main(command.split()) == 0
    assert "archive site" in capsys.readouterr().out


def test_refused_metadata_leave_the_last_good_archive_as_it_was(site, home):
    site.run()
    before = at(home).collections[0].last_archive
    set_time(home, "UPDATE collections SET last_archive = '2020-01-01T00:00:00Z'")
    site.settings = "metadata: {on_invalid: refuse}\n"
    site.write("metadata.csv", f"filename,checksum.md5\nindex.html,{'0' * 32}\n")
    assert site.run().outcome == "refused"
    one = at(home).collections[0]
    assert (one.last_archive, one.last_outcome) == ("2020-01-01T00:00:00Z", "refused") and before != one.last_archive


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "not a time"])
def test_a_time_that_cannot_be_is_overdue(site, home, moment):
    site.settings = NIGHTLY
    site.run()
    set_time(home, "UPDATE collections SET last_archive = ?", moment)
    assert codes(at(home)) == ["overdue"] and "no time in the past" in said(at(home))


def test_a_closed_collection_is_never_overdue_for_archiving(site, home):
    site.settings = NIGHTLY + "mode: closed\n"
    site.run()
    assert codes(at(home, now() + 20 * DAY)) == []


def test_a_schedule_that_nobody_ever_ran_is_overdue(site, home, tmp_path):
    (tmp_path / "manifests").mkdir()
    file = site.manifest().rename(tmp_path / "manifests" / "site.yaml")
    file.write_text(file.read_text() + NIGHTLY)
    (tmp_path / "manifests" / "defaults.yaml").write_text("mode: snapshot\n")  # extended by others, and no collection
    assert codes(at(home)) == []  # written a moment ago
    long_ago = time.time() - 3 * 86400
    os.utime(file, (long_ago, long_ago))
    report = at(home)
    assert codes(report) == ["overdue"] and report.exit_status == 1 and "never" in said(report)


def test_an_unusable_manifest_is_said_and_its_bags_are_judged_by_the_defaults(site, home):
    site.run()
    (site.root / "site.yaml").write_text("collection: site\nsauce: x\n")
    report = at(home)
    assert codes(report) == ["manifest-unusable"] and report.exit_status == 0
    one = report.collections[0]
    assert one.mode is None and [(replica.held, replica.max_age_days) for replica in one.replicas] == [(1, 90)]
    assert codes(at(home, now() + 91 * DAY)) == ["manifest-unusable", "overdue"]


# -- reading


def test_what_was_never_read_is_overdue_after_the_policys_days(site, home, runner):
    site.settings = "audit: {max_age_days: 10}\n"
    site.run()
    replica = at(home).collections[0].replicas[0]
    assert replica.bytes > 0 and (replica.recent_share, replica.never_bytes, replica.last_audit) == (0, replica.bytes, None)
    assert codes(at(home, now() + 9.9 * DAY)) == []
    assert codes(at(home, now() + 10.1 * DAY)) == ["overdue"]
    assert read(home, runner).exit_status == 0
    replica = at(home).collections[0].replicas[0]
    assert (replica.recent_share, replica.never_bytes) == (1, 0) and replica.last_audit and replica.oldest
    assert codes(at(home, now() + 9.9 * DAY)) == []
    report = at(home, now() + 10.1 * DAY)
    assert codes(report) == ["overdue"] and "within 10 days" in said(report)


def test_a_stores_own_age_goes_before_that_of_the_collection(site, home, runner):
    site.settings = "audit: {max_age_days: 1000}\n"
    site.store_url = f"{{url: {site.store}, max_age_days: 5}}"
    site.run()
    read(home, runner)
    assert codes(at(home, now() + 4.9 * DAY)) == []
    assert codes(at(home, now() + 5.1 * DAY)) == ["overdue"]


def test_part_of_the_bytes_read_long_ago_is_a_share(site, home, runner):
    site.run()
    site.write("large.bin", os.urandom(5 << 20))
    site.run()
    read(home, runner)
    set_time(home, "UPDATE checks SET time = '2020-01-01T00:00:00Z' WHERE key LIKE 'content/%'")
    report = at(home)
    replica = report.collections[0].replicas[0]
    assert codes(report) == ["overdue"] and replica.oldest == "2020-01-01T00:00:00Z"
    assert 0 < replica.recent_share < 0.05 and replica.bytes - replica.recent_bytes == 5 << 20


def test_a_reading_in_the_future_does_not_count(site, home, runner):
    site.run()
    read(home, runner)
    set_time(home, "UPDATE checks SET time = '2999-01-01T00:00:00Z' WHERE key LIKE 'packs/%.tar'")
    assert codes(at(home)) == ["overdue"]


def test_a_missed_audit_is_overdue(site, home, runner):
    site.settings = f"schedule: {{audit: '0 {HOUR} * * *'}}\n"
    site.run()
    due = next(CronSim(f"0 {HOUR} * * *", now())) + timedelta(hours=24)
    assert codes(at(home, due - timedelta(minutes=1))) == []
    assert codes(at(home, due + timedelta(minutes=1))) == ["overdue"]
    read(home, runner)
    set_time(home, "UPDATE audits SET ended = ?", (due - timedelta(hours=23)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert codes(at(home, due + timedelta(minutes=1))) == []


def test_known_damage_is_an_error_until_it_is_gone(site, home, runner):
    site.run()
    pack = next(site.store.glob("packs/*/*.tar"))
    whole = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(whole[:600] + bytes([whole[600] ^ 1]) + whole[601:])
    assert read(home, runner).exit_status == 1
    report = at(home)
    assert report.exit_status == 1 and codes(report) == ["object-damaged"] and report.stores[0].unsound >= 1
    pack.write_bytes(whole)
    assert read(home, runner).exit_status == 0
    assert codes(at(home)) == []


# -- several stores


def two_stores(site, options=""):
    second = site.root / "second"
    init_store(str(second))
    site.store_url = f"{site.store}, {{url: {second}{options}}}"
    return second


def test_a_bag_that_a_store_lacks_is_overdue_after_the_grace(site, home):
    site.run()
    two_stores(site)
    site.manifest()
    first, second = at(home).collections[0].replicas
    assert first.lacking == () and second.lacking == ("site/v1",)
    assert codes(at(home)) == []
    report = at(home, now() + timedelta(hours=25))
    assert codes(report) == ["overdue"] and "replication" in said(report) and "site/v1" in said(report)


def test_a_disk_in_a_drawer_is_overdue_on_the_right_day(site, home, runner):
    site.settings = "audit: {max_age_days: 30}\n"
    second = two_stores(site, ", offline: true, max_absence_days: 40")
    site.run()
    assert replicate([load(site.manifest())], Context(home), runner).brought == 1
    read(home, runner)
    second.rename(site.root / "drawer")
    replica = at(home).collections[0].replicas[1]
    assert (replica.offline, replica.lacking) == (True, ()) and replica.seen

    def of_second(when):
        return [finding.message for finding in at(home, when).findings if finding.place.endswith("/second")]

    assert of_second(now() + 35 * DAY) == []  # its bytes are older than 30 days, which it could not help
    assert of_second(now() + 39.9 * DAY) == []
    (reason,) = of_second(now() + 40.1 * DAY)
    assert "may be away for 40 days" in reason
    set_time(home, "UPDATE stores SET seen = '2999-01-01T00:00:00Z' WHERE url LIKE '%/second'")
    assert len(of_second(None)) == 1


def test_a_bag_for_a_disk_in_a_drawer_waits_as_long_as_the_disk_may(site, home):
    second = two_stores(site, ", offline: true, max_absence_days: 40")
    second.rename(site.root / "drawer")
    site.run()
    assert at(home).collections[0].replicas[1].lacking == ("site/v1",)
    assert codes(at(home, now() + 39.9 * DAY)) == []
    assert set(codes(at(home, now() + 40.1 * DAY))) == {"overdue"}


def test_a_shared_store_is_said_once(site, home):
    site.run()
    site.name = "other"
    site.run()
    report = at(home, now() + 91 * DAY)
    assert codes(report) == ["overdue"]
    assert all(one.replicas[0].overdue for one in report.collections)


# -- the command


def test_without_any_store_and_for_people(site, home, capfd):
    site.settings = NIGHTLY
    site.run()
    site.store.rename(site.root / "elsewhere")
    assert main(["status"]) == 0
    out = capfd.readouterr().out
    assert "site/v1" in out and "Nothing is overdue" in out and "not asked" in out and "does not know what others did" in out
    set_time(home, "UPDATE collections SET last_archive = '2020-01-01T00:00:00Z'")
    assert main(["status"]) == 1
    shown = capfd.readouterr()
    assert "OVERDUE" in shown.out and "[overdue]" in shown.err
    assert main(["status", "--ask", "--json"]) == 1
    value = json.loads(capfd.readouterr().out)
    assert [one["reachable"] for one in value["stores"]] == [False]


@pytest.mark.sqlite_only("counts modules, to which psycopg adds 180")
def test_it_starts_fast_and_imports_nothing_heavy(site, home):
    site.settings = NIGHTLY
    site.run()
    code = (
        "import sys; from strongroom.cli.main import main; status = main(['status']); "
        "print(sorted({'boto3', 'prefect', 'apprise', 'rich', 'magic'} & set(sys.modules)), len(sys.modules)); sys.exit(status)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )
    heavy, count = run.stdout.splitlines()[-1].rsplit(" ", 1)
    assert heavy == "[]"
    assert int(count) < 450  # 330, in 0.25 s; Prefect alone is 2,000


# -- a store that does not answer, and a catalogue that is gone


@pytest.mark.parametrize(("offline", "status", "code"), [("", 3, "unreachable"), (", offline: true", 0, "store-absent")])
def test_who_asks_and_gets_no_answer_has_a_finding(site, home, capfd, offline, status, code):
    second = two_stores(site, offline)
    site.run()
    second.rename(site.root / "elsewhere")
    assert main(["status", "--ask", "--json"]) == status
    shown = capfd.readouterr()
    assert code in [finding["code"] for finding in json.loads(shown.out)["findings"]]
    assert main(["status", "--ask"]) == status
    shown = capfd.readouterr()
    assert ("1 store does not answer" in shown.out) == (status == 3) and f"[{code}]" in shown.err
    assert "Nothing is overdue" in shown.out
    assert main(["status"]) == 0


def test_damage_says_more_than_a_store_that_does_not_answer(site, home):
    second = two_stores(site)
    site.settings = NIGHTLY
    site.run()
    second.rename(site.root / "elsewhere")
    report = status(Context(home), ask=True, now=now() + 3 * DAY)
    assert set(codes(report)) >= {"overdue", "unreachable"}
    assert report.exit_status == 1


@pytest.mark.parametrize("stores", [1, 2])
def test_a_catalogue_that_was_lost_is_no_new_beginning(site, home, capfd, stores):
    if stores == 2:
        two_stores(site)
    site.run()
    lose(home)
    for command in (["status"], ["list"], ["list", "site"]):
        assert main(command) == 1
        shown = capfd.readouterr()
        assert "[catalogue-lost]" in shown.err and "strongroom rebuild --store URL" in shown.err
        assert "begins a collection" not in shown.out
    assert main(["list", "--json"]) == 1
    document = json.loads(capfd.readouterr().out)
    jsonschema.Draft202012Validator(load_schema("list-report")).validate(document)
    assert main(["rebuild", "--store", str(site.store), "--quiet"]) == 0
    capfd.readouterr()
    assert main(["list"]) == 0
    assert "site/v1" in capfd.readouterr().out


def test_an_empty_catalogue_made_after_the_loss_hides_nothing(site, home, capfd):
    site.run()
    lose(home)
    with Catalogue.open(Context(home).catalogue):
        pass
    assert main(["list"]) == 1
    assert "[catalogue-lost]" in capfd.readouterr().err


def test_where_nothing_was_ever_done_both_ways_to_begin_are_said(site, home, capfd):
    for command in ("list", "status"):
        assert main([command]) == 0
        shown = capfd.readouterr()
        assert "strongroom init FOLDER" in shown.out and "strongroom rebuild --store URL" in shown.out
        assert shown.err == ""


def test_a_store_without_bags_that_is_known_is_no_loss(site, home):
    audit(AuditRequest(stores=(str(site.store),)), Context(home), site.runner)
    assert list((home / "locks").glob("log-*.lock"))
    assert codes(at(home)) == []
