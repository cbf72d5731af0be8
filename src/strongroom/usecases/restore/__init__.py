"""Restore: a bag, or the files in it, put back as they were (docs/format.md, section 8)."""

from strongroom.usecases.restore.request import RestoreReport, RestoreRequest

__all__ = ["RestoreReport", "RestoreRequest", "restore"]


def __getattr__(name: str) -> object:
    if name == "restore":
        from strongroom.usecases.restore.run import restore  # noqa: PLC0415  workers import this package and need none of it

        return restore
    raise AttributeError(name)
