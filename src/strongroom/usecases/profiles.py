"""BagIt profiles as files. Nothing is fetched: a profile is what lies on this disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.bag.profile import Profile, parse_profile
from strongroom.core.errors import InvalidValueError, UsageError

_LIMIT: Final = 4 << 20


def read_profile(path: Path) -> Profile:
    """The profile in a file. Raises UsageError if it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT)
        return parse_profile(canonical.loads(data, what=str(path)), what=str(path))
    except OSError as error:
        raise UsageError(f"{path}: the profile cannot be read: {error.strerror}; name the file it lies in") from error
    except InvalidValueError as error:
        raise UsageError(f"{error}; a profile is a JSON file (https://bagit-profiles.github.io/bagit-profiles-specification/)") from error
