"""One Prefect server for all tests of a session that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows import engine


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    engine.prepare()
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
