"""Making the next bag of a collection: `run.archive` is the whole, each other module one step of it.

Nothing is imported here: worker processes import single modules of this package and must start quickly.
"""
