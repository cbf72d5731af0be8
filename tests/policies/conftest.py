"""As for replication: collections, stores and a home."""

from tests.replicate.conftest import place, runner

__all__ = ["place", "runner"]
