"""Scratch space is private to a job, and what killed jobs left goes."""

import os

from strongroom.usecases.context import Context


def test_scratch_is_removed_and_so_is_what_a_killed_job_left(tmp_path):
    context = Context(tmp_path)
    abandoned = tmp_path / "scratch/archive-old"
    (abandoned / "sub").mkdir(parents=True)
    os.utime(abandoned, (1, 1))
    with context.scratch("archive") as first:
        assert not abandoned.exists()
        os.utime(first, (1, 1))
        with context.scratch("archive") as second:
            assert first.exists(), "in use"
            assert first != second
    assert list((tmp_path / "scratch").iterdir()) == []
