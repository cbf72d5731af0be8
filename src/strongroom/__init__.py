"""Strongroom: archives of files as sealed BagIt bags that anybody can audit, repair and restore."""

__version__ = "0.1.0"
