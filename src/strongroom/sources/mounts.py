"""One shared file system under several names: where a folder lies on this machine.

`STRONGROOM_MOUNTS=/srv/share=/mnt/nfs/share:/data=/vol/data` says that what collection manifests call /srv/share is /mnt/nfs/share here.
"""

from __future__ import annotations

import os
from typing import Final

from strongroom.core.errors import UsageError

VARIABLE: Final = "STRONGROOM_MOUNTS"


def here(path: bytes) -> bytes:
    """Where the folder that everybody calls `path` (absolute) lies on this machine: `path`, unless the environment says otherwise.

    The longest name that fits counts. Raises UsageError if the environment makes no sense.

    >>> os.environ["STRONGROOM_MOUNTS"] = "/srv/share=/mnt/share"
    >>> here(b"/srv/share/letters"), here(b"/srv/shared")
    (b'/mnt/share/letters', b'/srv/shared')
    """
    best: tuple[bytes, bytes] | None = None
    for pair in filter(None, os.environb.get(VARIABLE.encode(), b"").split(b":")):
        name, mark, place = pair.partition(b"=")
        if not mark or not name.startswith(b"/") or not place.startswith(b"/"):
            raise UsageError(f"{VARIABLE}: expected /NAME=/PLACE, several joined by a colon, found {os.fsdecode(pair)!r}")
        name, place = name.rstrip(b"/"), place.rstrip(b"/")
        if (path == name or path.startswith(name + b"/")) and (best is None or len(name) > len(best[0])):
            best = name, place
    return path if best is None else best[1] + path[len(best[0]) :] or b"/"
