"""Virus scanners: `interface.py` says what one does, `open.py` finds the one that a collection manifest names."""
