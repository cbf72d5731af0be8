"""Reading sealed bags out of stores, from the bytes of the stores alone (docs/format.md, section 8)."""
