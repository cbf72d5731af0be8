"""Identification in a worker that may die of it: a content that crashes libmagic loses its type, and the run nothing."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from strongroom.identify import libmagic


class IdentificationCrashedError(Exception):
    """libmagic ended the process that looked at a content. The message says how."""


class Identifier:
    """Identifies the contents of one batch.

    A shared byte says that libmagic is at work (0.2 µs a content, and it outlives the process). A batch that finds it set died in
    libmagic when it was tried before, and looks at each content in a child of its own: 1 ms each, but no content can harm another.
    """

    def __init__(self, mark: Path) -> None:
        """`mark`: the file of that byte, the same for every try of a batch and of no other batch."""
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, 1)
            self._at_work = mmap.mmap(descriptor, 1)
        finally:
            os.close(descriptor)
        self._careful = self._at_work[0] != 0

    def mime_type(self, head: bytes | memoryview) -> str | None:
        """As libmagic.mime_type. Raises IdentificationCrashedError."""
        if self._careful:
            return _in_a_child(head)
        self._at_work[0] = 1
        found = libmagic.mime_type(head)
        self._at_work[0] = 0
        return found

    def close(self) -> None:
        self._at_work.close()


def _in_a_child(head: bytes | memoryview) -> str | None:
    libmagic.signatures()  # loads them here, once for all children
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, (libmagic.mime_type(head) or "").encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        found = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise IdentificationCrashedError(f"signal {-status}" if status < 0 else f"exit status {status}")
    return found.decode() or None
