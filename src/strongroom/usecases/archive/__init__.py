"""Making the next bag of a collection: `run.archive` is the whole, each other module one step of it."""

from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.run import archive

__all__ = ["ArchiveReport", "archive"]
