"""What a process of this machine started, whatever process groups and sessions these are in: what a container would hold."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on. Whose parent has ended is not found."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])  # a program's name may hold spaces and parentheses
            children.setdefault(parent, []).append(int(status.parent.name))
    found = list(children.get(pid, ()))
    for one in found:
        found += children.get(one, ())
    return found


def environment_of(pid: int) -> dict[str, str]:
    """What a process was started with; nothing if it has ended."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


def kill_with_descendants(pid: int) -> None:
    """SIGKILL for all of them, at once: none of them sees another's end."""
    held: list[int] = []
    while more := {pid, *descendants(pid)}.difference(held):
        held += more
        for one in more:  # so that nothing is started while we look
            _signal(one, signal.SIGSTOP)
    for one in held:
        _signal(one, signal.SIGKILL)


def _signal(pid: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, which)
