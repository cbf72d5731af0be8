"""Which runner this installation uses: what STRONGROOM_RUNNER says."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from strongroom.core.errors import UsageError

VARIABLE: Final = "STRONGROOM_RUNNER"
_PORT: Final = 8786  # of Dask's schedulers, unless they are told another
_DASK: Final = re.compile(r"dask(\+tls)?://([^/:@\[\]?#]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


@dataclass(frozen=True, slots=True)
class Choice:
    """Who leads a run, and who carries out its batches."""

    #: Whether commands are Prefect flows where their arguments do not say; None: if a Prefect API is configured.
    flows: bool | None = None
    dask: bool = False
    scheduler: str | None = None  # of an existing Dask cluster, as Dask writes it ("tcp://HOST:8786"); None: one within this process


def chosen() -> Choice:
    """What the environment says: nothing, `local`, `prefect`, `dask`, `dask://HOST[:PORT]` or `dask+tls://HOST[:PORT]`. Raises UsageError.

    >>> os.environ["STRONGROOM_RUNNER"] = "dask://cluster.example"
    >>> chosen().scheduler
    'tcp://cluster.example:8786'
    """
    text = os.environ.get(VARIABLE, "")
    match text:
        case "":
            return Choice()
        case "local":
            return Choice(flows=False)
        case "prefect":
            return Choice(flows=True)
        case "dask":
            return Choice(dask=True)
    found = _DASK.fullmatch(text)
    if found is None or int(found[3] or 1) not in range(1, 65536):
        raise UsageError(f"{VARIABLE} is local, prefect, dask, dask://HOST:PORT or dask+tls://HOST:PORT, not {text!r}")
    return Choice(dask=True, scheduler=f"{'tls' if found[1] else 'tcp'}://{found[2]}:{found[3] or _PORT}")
