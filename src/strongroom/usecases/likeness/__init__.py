"""Which contents are near-copies of each other, within collections and across them (docs/decisions/0027-likeness.md)."""
