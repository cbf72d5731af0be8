"""Handing collections over to another institution, and hearing back from it (docs/format.md, section 11)."""
