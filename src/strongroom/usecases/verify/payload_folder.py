"""The payload folder is there (RFC 8493, 2.1.2)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag


def check_payload_folder(bag: Bag) -> Iterator[Finding]:
    path = os.path.join(bag.root, b"data")
    if not os.path.lexists(path):
        yield Finding(Code.BAG_FILE_MISSING, "data", "the payload folder is missing")
    elif os.path.islink(path) or not os.path.isdir(path):
        yield Finding(Code.BAG_INVALID, "data", "is not a folder")
