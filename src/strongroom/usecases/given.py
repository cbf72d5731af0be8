"""Asking about many contents in one statement, which costs a tenth of asking about each."""

from __future__ import annotations

from typing import Final

#: Begins a statement with the table `given(sha256)`: the digests that stand one after the other in parameter 1, which is not empty.
GIVEN: Final = (
    "WITH RECURSIVE numbers(i) AS (VALUES (1) UNION ALL SELECT i + 32 FROM numbers WHERE i + 32 < length(?1)), "
    "given(sha256) AS MATERIALIZED (SELECT substr(?1, i, 32) FROM numbers) "
)
