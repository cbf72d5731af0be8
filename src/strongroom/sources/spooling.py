"""How much of a disk here may hold what is on its way from a source that lies elsewhere."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError

#: The environment variable with the limit, and the limit without it, of all workers of a run together.
VARIABLE: Final = "STRONGROOM_SPOOL_BYTES"
DEFAULT: Final = 1 << 30


def spool_limit() -> int:
    """Bytes below STRONGROOM_HOME that contents of a source may take while they are read. Raises UsageError."""
    text = os.environ.get(VARIABLE) or str(DEFAULT)
    if not re.fullmatch("[0-9]{1,18}", text):
        raise UsageError(f"{VARIABLE}={text!r}: give a number of bytes; 0 keeps nothing on a disk")
    return int(text)


def nameless_file(folder: Path) -> int:
    """The descriptor of a new, empty file that is gone when it is closed, whatever becomes of this process. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix="spool-", dir=folder)
    os.unlink(name)
    return descriptor
