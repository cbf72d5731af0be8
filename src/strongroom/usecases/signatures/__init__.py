"""Signatures in stores: the keys that lie there, and what is said of seals (docs/format.md, section 10)."""
