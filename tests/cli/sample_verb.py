"""A verb that ends in every way a verb can."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from strongroom.core.errors import RefusedError, StoreUnreachableError, UsageError
from strongroom.runner.local import LocalRunner
from tests.runner import jobs


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("how")
    parser.add_argument("folder", nargs="?")


def run(args: argparse.Namespace) -> int:
    match args.how:
        case "findings":
            return 1
        case "usage":
            raise UsageError("the collection manifest is wrong\x1b[2J\nin two places")
        case "refused":
            raise RefusedError("too much vanished")
        case "unreachable":
            raise StoreUnreachableError("no answer")
        case "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), b"/mnt/disk/x")
        case "memory":
            raise MemoryError
        case "interrupt":
            raise KeyboardInterrupt
        case "bug":
            raise KeyError("no such thing")
        case "many-lines":
            for number in range(1_000_000):
                sys.stdout.write(f"line {number}\n")
        case "workers":
            try:
                with LocalRunner(2) as runner:
                    list(runner.map("sleep", jobs.sleep, [(args.folder, jobs.NAP)] * 4))
            finally:
                Path(args.folder, "cleaned-up").touch()
    return 0
