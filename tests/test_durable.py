"""Who is to blame where nothing can be written."""

import errno
import os

import pytest

from strongroom.durable import cannot_write


@pytest.mark.parametrize(("number", "status", "remedy"), [
    (errno.ENOSPC, 3, "run the same command again"), (errno.EDQUOT, 3, "Make room"), (errno.EIO, 3, "another disk"),
    (errno.EACCES, 2, "a folder you own"), (errno.ENOTDIR, 2, "a folder you own"),
])
def test_a_full_disk_is_no_wrong_usage(number: int, status: int, remedy: str) -> None:
    error = cannot_write("STRONGROOM_HOME (/archive)", OSError(number, os.strerror(number)))
    assert error.exit_status == status and remedy in str(error) and "/archive" in str(error) and os.strerror(number) in str(error)
