"""The newest batch of a log is judged by its digest, though nothing in the store names it yet."""

from __future__ import annotations

from strongroom.core.outcomes import CheckOutcome


def test_a_newest_batch_that_was_never_read_and_still_reads_well_is_known_to_be_changed(vault):
    vault.write("letters", "one more", b"the newest letter")
    newest = archived(vault)
    data = vault.objects.all()[newest]
    assert b'"success"' in data
    vault.objects.put(newest, data.replace(b'"success"', b'"warning"', 1))
    report = vault.audit()
    (one,) = report.stores[0].unsound
    assert (one.key, one.outcome) == (newest, CheckOutcome.DAMAGED)
    vault.objects.put(newest, data)
    assert vault.audit().exit_status == 0


def test_a_newest_batch_that_was_never_read_and_is_gone_is_missed(vault):
    vault.write("letters", "one more", b"the newest letter")
    newest = archived(vault)
    vault.objects.delete(newest)
    (one,) = vault.audit().stores[0].unsound
    assert (one.key, one.outcome) == (newest, CheckOutcome.MISSING)


def archived(vault):
    """The key of the batch that an archive run added to the log."""
    before = set(vault.keys("log/"))
    vault.archive("letters")
    (newest,) = set(vault.keys("log/")) - before
    return newest
