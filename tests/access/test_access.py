"""Who may see a collection: what the newest bag and the collection manifest say, whichever is stricter; nobody where that is not known."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta

import pytest

from strongroom.collections.load import load
from strongroom.collections.model import Access
from strongroom.core.findings import Code
from strongroom.usecases import access
from strongroom.usecases.access import may_show, shown_names, tellable, visibilities
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from tests.fixtures.catalogues import tables

DAY = date(2026, 11, 22)
RESTRICTED = "access: {level: restricted}\n"


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path / "home")


def test_a_day_decides_about_an_embargo():
    assert may_show(Access(), DAY)
    assert may_show(Access(embargo_until="2026-11-22"), DAY)
    assert not may_show(Access(embargo_until="2026-11-23"), DAY)
    assert not may_show(Access("restricted"), DAY)
    assert not may_show(Access("closed", "2000-01-01"), DAY)
    assert not may_show(Access(embargo_until="soon"), DAY)
    assert not may_show(Access("public"), DAY)  # type: ignore[arg-type]  # a word of a later version
    assert not may_show(None, DAY)


def test_no_embargo_ends_before_its_day_has_begun_everywhere_that_counts(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 22, 23, 30) if tz is UTC else cls(2026, 11, 23, 1, 30)

    monkeypatch.setattr(access, "datetime", Clock)
    assert access.today() == date(2026, 11, 22)


def test_an_open_collection_is_shown(site, context):
    site.run()
    assert shown_names(context) == {"site"}


def test_later_settings_hold_for_every_version(site, context):
    site.run()
    site.settings = RESTRICTED
    site.write("more", "x")
    site.run()
    site.manifest().unlink()
    assert shown_names(context) == frozenset()
    (reason,) = visibilities(context)["site"].reasons(DAY)
    assert reason == "site/v2: access is restricted"


def test_the_stricter_of_bag_and_manifest_counts(site, context):
    site.settings = RESTRICTED
    site.run()
    site.settings = ""
    site.manifest()
    assert shown_names(context) == frozenset(), "opened in the manifest, and not archived since"
    site.write("more", "x")
    site.run()
    assert shown_names(context) == {"site"}
    site.settings = RESTRICTED
    site.manifest()
    assert shown_names(context) == frozenset(), "restricted in the manifest, and not archived since"


def test_a_manifest_that_cannot_be_read_hides_and_one_that_is_gone_does_not(site, context):
    site.run()
    site.manifest().write_text("collection: site\naccess: {level: restrcted}\n")
    assert shown_names(context) == frozenset()
    site.manifest().unlink()
    assert shown_names(context) == {"site"}


def test_a_manifest_in_the_folder_counts_where_the_bag_was_made_elsewhere(site, context, tmp_path):
    site.run()
    text = site.manifest().read_text()
    site.manifest().unlink()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/site.yaml").write_text(text + RESTRICTED)
    assert shown_names(context) == frozenset()


def test_the_bag_is_read_where_the_catalogue_was_made_again(site, context):
    site.settings = f"access: {{embargo_until: {datetime.now(UTC).date() + timedelta(2)}}}\n"
    site.run()
    site.manifest().unlink()
    _forget(context)
    assert shown_names(context) == frozenset()
    (reason,) = visibilities(context)["site"].reasons(access.today())
    assert "embargoed until" in reason
    shutil.rmtree(site.store)
    assert "embargoed until" in visibilities(context)["site"].reasons(access.today())[0], "it was remembered"


def test_what_cannot_be_read_is_not_shown(site, context):
    site.run()
    site.manifest().unlink()
    _forget(context)
    site.store.rename(site.store.with_name("drawer"))
    collector = Collector()
    assert not visibilities(context, collector)["site"].is_shown(DAY)
    assert Code.NOT_REACHED in {one.code for one in collector.findings()}
    site.store.with_name("drawer").rename(site.store)
    assert shown_names(context) == {"site"}


def test_artifacts_tell_nothing_of_what_is_hidden(site, context):
    site.run()
    assert tellable(context, "archive-site", "# site/v1 sealed\n") == ("archive-site", "# site/v1 sealed\n")
    site.settings = RESTRICTED
    site.manifest()
    key, text = tellable(context, "archive-site", "# site/v1 sealed\n* a path\n")
    assert (key, "site/v1" in text, "path" in text) == ("archive", False, False)
    key, text = tellable(context, "audit", "# Audit\n* site/v1: a path\n* website/v1: a path\n* site-2: b\n")
    assert key == "audit"
    assert text == "# Audit\n* website/v1: a path\n* site-2: b\n\nLeft out: 1 line about collections that not everybody may see.\n"


def test_of_a_fork_every_side_must_be_open(site, context, tmp_path):
    site.run()
    other = tmp_path / "other-home"
    site.store.rename(tmp_path / "first")
    from strongroom.stores.describe import init_store

    init_store(str(site.store))
    site.settings = RESTRICTED
    site.write("other", "side")
    assert archive(load(site.manifest()), Context(other), site.runner).exit_status == 0
    with tables(other) as theirs:
        row = theirs.execute("SELECT * FROM bags").fetchone()
    with tables(context.home) as db:
        db.execute(f"INSERT INTO bags VALUES ({','.join('?' * len(row))})", row)
        number = db.execute("SELECT number FROM stores").fetchone()[0]
        db.execute("INSERT INTO bag_stores VALUES (?, ?)", (row[0], number))
    site.manifest().unlink()
    assert len(visibilities(context)["site"].statements) == 2
    assert shown_names(context) == frozenset()


def _forget(context):
    with tables(context.home) as db:
        db.execute("DELETE FROM bag_access")
