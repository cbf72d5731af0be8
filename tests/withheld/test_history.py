"""Comparing bags, and verifying the log, over bags with a page that is withheld: nothing there is wrong."""

from __future__ import annotations

import shutil

from strongroom.core.findings import Severity
from strongroom.core.tombstone import Action
from strongroom.usecases.diff import diff
from strongroom.usecases.history.run import verify_logs
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild


def compared(site, before, after, **options):
    with diff(("news", before), ("news", after), site.context, **options) as report:
        changes = [(one.change, one.path) for one in report.changes()]
        return report.exit_status, report.findings, changes


def test_bags_that_have_it_are_compared_as_ever(site):
    before = compared(site, 1, 2)
    assert before == (0, (), [("altered", "data/p0.html")])
    site.withhold("news", paths=["people/ana.html"])
    assert compared(site, 1, 2) == before


def test_a_bag_from_which_it_was_left_out_lacks_it_and_no_more(site):
    site.withhold("news", paths=["people/ana.html"])
    assert site.archive("news").outcome == "sealed"
    status, findings, changes = compared(site, 2, 3)
    assert (status, findings) == (0, ())
    assert [one for one in changes if one[1].endswith(".html")] == [("removed", "data/people/ana.html")]
    site.replicate("news")
    assert compared(site, 2, 3, source=str(site.store("two"))) == (status, findings, changes)


def test_the_logs_agree(site):
    """Before and after a replica without its bytes, when it is lifted, and for one who has nothing but the stores."""
    def wrong():
        report = verify_logs((), site.context, site.runner)
        assert all(one.problem is None for one in report.stores)
        return report.exit_status, tuple(one for one in report.findings if one.severity is not Severity.NOTE)  # unsigned bags are one

    assert wrong() == (0, ())
    site.withhold("news", paths=["people/ana.html"])
    assert wrong() == (0, ())
    assert site.archive("news").excluded == {"withheld": 1}
    assert site.replicate("news").exit_status == 0
    assert wrong() == (0, ())
    site.withhold("news", paths=["people/ana.html"], action=Action.LIFT)
    assert wrong() == (0, ())
    site.home = "elsewhere"
    rebuild(RebuildRequest((str(site.store("one")), str(site.store("two")))), site.context, site.runner)
    assert wrong() == (0, ())


def test_a_tombstone_that_was_removed_is_not_hidden_by_that(site):
    """What the log tells stays; the tombstone at home brings itself back."""
    site.withhold("news", paths=["people/ana.html"])
    shutil.rmtree(site.store("one") / "withheld")
    assert verify_logs((), site.context, site.runner).exit_status == 0
    assert site.restore("news", "out").withheld == 1
    assert site.replicate("news").exit_status == 0
    assert list((site.store("one") / "withheld").rglob("1.json"))
