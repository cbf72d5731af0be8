"""A place with stores, and what a sweep did to one, seen without the product's code."""

from __future__ import annotations

from tests.replicate.conftest import place, runner

__all__ = ["place", "runner"]
