"""Bringing every bag to every store it belongs in: `run.replicate` is the whole, each other module one step of it.

Nothing is imported here: worker processes import single modules of this package and must start quickly.
"""
