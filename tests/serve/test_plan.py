"""Which jobs are served, and when."""

from __future__ import annotations

import pytest

from strongroom.cli.main import main
from strongroom.collections.cron import check_cron, last_time, time_zone
from strongroom.core.errors import UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.serve.plan import plan


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "manifests"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "source").mkdir()
    return tmp_path / "manifests"


def write(folder, name, settings, stores="[../store]"):
    (folder / f"{name}.yaml").write_text(f"collection: {name}\nsource: ../source\nstores: {stores}\n{settings}")


def jobs(folder, **options):
    return {f"{job.job} {job.name}": job for job in plan(Context(folder.parent / "home"), **options)[0]}


def test_each_schedule_becomes_a_job_with_a_name_one_can_read(folder):
    write(folder, "letters", "schedule: {archive: '0 3 * * *', audit: '0 4 * * 0', timezone: Europe/Oslo}\n")
    write(folder, "maps", "schedule: 30 2 * * 1\n")
    write(folder, "silent", "")
    write(folder, "done", "schedule: 0 1 * * *\nmode: closed\n")
    found = jobs(folder)
    assert list(found) == ["archive letters", "audit letters", "archive maps", "due all"]
    letters = found["archive letters"]
    assert (letters.cron, letters.timezone) == ("0 3 * * *", "Europe/Oslo")
    assert letters.parameters == {"collection": "letters", "manifest": str(folder / "letters.yaml"), "quiet": True}
    assert found["due all"].timezone == "Europe/Oslo"
    assert "due all" not in jobs(folder, due=None)


def test_an_audit_takes_its_limits_from_the_manifests_and_leaves_disks_in_drawers_to_due(folder):
    stores = "[../a, {url: ../b, max_bytes: 1 GB}, {url: ../c, offline: true}]"
    write(folder, "site", "schedule: {audit: 0 4 * * *}\naudit: {max_age_days: 90, max_minutes: 60}\n", stores)
    write(folder, "disks", "schedule: {audit: 0 4 * * *}\n", "[{url: ../c, offline: true}]")
    found = jobs(folder, due=None)
    assert list(found) == ["audit site"]
    assert found["audit site"].parameters == {"name": "site", "stores": [(folder.parent / name).as_uri() for name in "ab"], "quiet": True}


def test_no_schedule_is_refused_clearly(folder, capfd):
    write(folder, "silent", "")
    (folder / "broken.yaml").write_text("collection: broken\n")
    assert main(["serve"]) == 2
    said = capfd.readouterr().err
    assert "no collection has a schedule: 1 collection manifests" in said and str(folder) in said and "broken.yaml" in said


@pytest.mark.parametrize("due", ["daily", "99 * * * *"])
def test_a_wrong_time_for_due_is_refused(folder, due):
    write(folder, "maps", "schedule: 30 2 * * 1\n")
    with pytest.raises(UsageError, match="--due"):
        plan(Context(folder.parent / "home"), due=due)


def test_the_plan_can_be_looked_at(folder, capfd):
    write(folder, "maps", "schedule: 30 2 * * 1\n")
    assert main(["serve", "--dry-run", "--due", "never"]) == 0
    assert capfd.readouterr().out == "archive maps: 30 2 * * 1 (UTC)\n"


@pytest.mark.parametrize("cron", ["60 * * * *", "0 3 * *", "0 0 31 2 *", "a b c d e", "0 3 * * * *"])
def test_a_wrong_schedule_is_refused_when_the_manifest_is_read(folder, cron, capfd):
    write(folder, "maps", f"schedule: '{cron}'\n")
    assert main(["archive", "maps", "--no-prefect"]) == 2
    assert "maps.yaml:4: schedule: expected a cron expression" in capfd.readouterr().err


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../etc/passwd", ""])
def test_a_wrong_time_zone_is_refused(folder, zone, capfd):
    write(folder, "maps", f"schedule: {{archive: 0 3 * * *, timezone: '{zone}'}}\n")
    assert main(["archive", "maps", "--no-prefect"]) == 2
    assert "schedule.timezone: expected a time zone" in capfd.readouterr().err


def test_summer_time(folder):
    from datetime import UTC, datetime

    assert time_zone("UTC").key == "UTC" and check_cron("0 3 * * MON-FRI")
    # On 29 March 2026 there is no 02:30 in Oslo; on 25 October there are two.
    spring = last_time("30 2 * * *", "Europe/Oslo", datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert spring is not None and spring.astimezone(UTC) <= datetime(2026, 3, 29, 2, tzinfo=UTC)
    autumn = last_time("30 2 * * *", "Europe/Oslo", datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert autumn is not None and autumn.astimezone(UTC) in (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
