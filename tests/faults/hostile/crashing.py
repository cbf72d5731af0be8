"""Libraries that die, hang or eat memory over some contents: for the process in which contents are identified, which imports this."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from typing import NoReturn

from strongroom.core.formats import Format
from strongroom.identify import child, link, process, verdict
from strongroom.usecases.archive.ingest import IngestJob, IngestResult, ingest

_judge = verdict.judge


def hurt(subjects: Sequence[verdict.Subject], at_once: int) -> list[Format]:
    for one in subjects:
        _hurt(os.pread(one.descriptor, 200, 0))
    return _judge(subjects, at_once)


def _hurt(head: bytes) -> None:
    if head.startswith(b"CRASH"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if head.startswith(b"EXIT"):
        os._exit(3)
    if head.startswith(b"HANG"):
        while True:
            pass
    if head.startswith(b"SLEEP"):
        signal.pause()
    if head.startswith(b"BOMB"):
        bytearray(4 << 30)
    if head.startswith(b"NEIGHBOUR") and not os.path.exists(here := head.split(b"\n")[1]):  # at work when the other crashes
        os.close(os.open(here, os.O_CREAT))
        time.sleep(600)
    if head.startswith(b"AFTER"):
        while not os.path.exists(head.split(b"\n")[1]):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGSEGV)
    if head.startswith(b"ONCE") and not os.path.exists(once := head.split(b"\n")[1]):
        os.close(os.open(once, os.O_CREAT))
        os.kill(os.getpid(), signal.SIGKILL)


def main(how: str, descriptor: int) -> NoReturn:
    verdict.judge = hurt
    child.IDLE = 86_400.0  # what these tests are about is no want of work, however slow they are
    child.main(how, descriptor)


def ingest_with_crashes(job: IngestJob) -> IngestResult:
    """`ingest`, with such libraries, and a tenth of the patience."""
    sound, seconds = link._BOOTSTRAP, process.SECONDS
    link._BOOTSTRAP = sound.replace("strongroom.identify.child", __name__)
    process.SECONDS = 0.3
    process.identifier().close()
    try:
        return ingest(job)
    finally:
        link._BOOTSTRAP, process.SECONDS = sound, seconds
        process.identifier().close()
