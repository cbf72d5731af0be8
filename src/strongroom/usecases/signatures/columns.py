"""What is kept of each seal, in SQL: apart, for workers that read such a table and judge no signature."""

from __future__ import annotations

from typing import Final

#: Columns of a table `seals` that say what a seal is, and what its signature is worth.
COLUMNS: Final = """
  bag TEXT NOT NULL, digest TEXT NOT NULL, attempt TEXT, previous TEXT,
  signer TEXT,      -- fingerprint, as the seal says it
  standing TEXT,    -- of its signature
  said TEXT,        -- what is to be said of the signature, and the code it is said under
  said_code TEXT,
  name TEXT AS (substr(bag, 1, instr(bag, '/') - 1)),
  version INTEGER AS (CAST(substr(bag, instr(bag, '/') + 2) AS INTEGER)),
"""
