"""What findings make of a run."""

from __future__ import annotations

import pytest

from strongroom.core.findings import Code, Finding, exit_status


@pytest.mark.parametrize(("codes", "undone", "status"), [
    ([], False, 0), ([Code.UNEXPECTED, Code.COLD], False, 0), ([], True, 3), ([Code.UNREACHABLE], False, 3),
    ([Code.UNREACHABLE, Code.CONTENT_DAMAGED], False, 1), ([Code.UNREADABLE], True, 1),
])
def test_damage_comes_before_what_is_not_known(codes: list[Code], undone: bool, status: int) -> None:
    assert exit_status([Finding(code, "here", "") for code in codes], Code.UNREACHABLE, undone=undone) == status
