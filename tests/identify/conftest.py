from tests.archive.conftest import runner, site

__all__ = ["runner", "site"]
