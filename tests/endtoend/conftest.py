"""The worker processes are shared with the archive's tests."""

from tests.archive.conftest import runner

__all__ = ["runner"]
