"""A libmagic that dies of some contents, for worker processes: they import this module and with it the crash."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from strongroom.identify import libmagic
from strongroom.usecases.archive.ingest import IngestJob, IngestResult, ingest

_sound = libmagic.mime_type


def _mime_type(head: bytes | memoryview) -> str | None:
    if bytes(head).startswith(b"CRASH"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if bytes(head).startswith(b"EXIT"):
        os._exit(3)
    return _sound(head)


def ingest_with_crashes(job: IngestJob) -> IngestResult:
    """`ingest`, in whose process libmagic crashes; each try leaves a file beside the claims."""
    libmagic.mime_type = _mime_type
    try:
        return ingest(job)
    finally:
        libmagic.mime_type = _sound


def out_of_memory(job: IngestJob) -> IngestResult:
    """Killed once while it identifies, for a reason that has nothing to do with the content."""
    once = Path(f"{job.source.decode()}-killed")
    if not once.exists():
        def kill(head: bytes | memoryview) -> str | None:
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        libmagic.mime_type = kill
    return ingest(job)
