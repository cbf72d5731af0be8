"""Whether what stores tell of the past agrees: `strongroom log verify` (docs/format.md, 7.2)."""
