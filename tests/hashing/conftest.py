"""What hashes side by side: the real library where it is installed, and ones in Python that behave as each version does."""

from __future__ import annotations

import pytest

from strongroom.hashing import many
from strongroom.hashing.ipsec_mb import LIBRARIES, MultiBuffer, load
from strongroom.hashing.many import Choice, LanesError
from strongroom.hashing.trial import ALGORITHMS
from tests.hashing.fake import Library

VERSIONS = (0x10300, 0x20000, 0x20002)


def real() -> MultiBuffer:
    try:
        lanes = load()
        lanes.digests([b"a"], "sha256")
        return lanes
    except LanesError as error:
        pytest.skip(f"{error}: needs one of {', '.join(LIBRARIES)} (Debian package libipsec-mb1 or libipsec-mb2): .ci/run has it")


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    """Each test begins, and leaves, a process that has hashed nothing."""
    monkeypatch.delenv("STRONGROOM_NO_ACCELERATOR", raising=False)
    monkeypatch.setattr(many, "_choice", None)
    monkeypatch.setattr(many, "_hashed", 0)


@pytest.fixture(params=["real", *map(hex, VERSIONS)])
def lanes(request) -> MultiBuffer:
    return real() if request.param == "real" else MultiBuffer(Library(int(request.param, 16)))


@pytest.fixture
def chosen(lanes, monkeypatch):
    """`lanes` in use for everything, however quick they are."""
    monkeypatch.setattr(many, "_choice", Choice(lanes, frozenset(ALGORITHMS), ""))
    return lanes
