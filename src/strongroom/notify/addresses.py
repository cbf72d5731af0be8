"""Where messages go: addresses in apprise's form (mailto://…, ntfy://…, json://…), from the environment or a file it names.

They hold passwords and tokens, so they are never read from a collection manifest and never printed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError

URLS: Final = "STRONGROOM_NOTIFY_URLS"
URLS_FILE: Final = "STRONGROOM_NOTIFY_URLS_FILE"


def addresses() -> tuple[str, ...]:
    """The addresses of $STRONGROOM_NOTIFY_URLS (separated by spaces) and of the file $STRONGROOM_NOTIFY_URLS_FILE.

    The file has one a line; empty lines and those that begin with # say nothing. Raises UsageError if it cannot be read.
    """
    found = re.split(r"\s+", os.environ.get(URLS, "").strip())
    if name := os.environ.get(URLS_FILE):
        try:
            lines = [line.strip() for line in Path(name).read_text(encoding="utf-8").splitlines()]
        except OSError as error:
            raise UsageError(f"{URLS_FILE}: {name}: {error.strerror}; nobody is notified") from error
        except ValueError as error:
            raise UsageError(f"{URLS_FILE}: {name}: not text in UTF-8; nobody is notified") from error
        found += [line for line in lines if not line.startswith("#")]
    return tuple(dict.fromkeys(url for url in found if url))
