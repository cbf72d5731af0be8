"""System litter: files that operating systems leave in folders and nobody means to keep."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = re.compile(
    rb"""(
      \.DS_Store | \._.+ | \.AppleDouble | \.AppleDB | \.AppleDesktop | \.LSOverride | Icon\r
    | \.Spotlight-V100 | \.Trashes | \.fseventsd | \.TemporaryItems | \.DocumentRevisions-V100 | \.VolumeIcon\.icns
    | \.com\.apple\.timemachine\..+ | \.apdisk | __MACOSX
    | (?i: thumbs\.db | ehthumbs\.db | ehthumbs_vista\.db | desktop\.ini | \$RECYCLE\.BIN | RECYCLER | System\ Volume\ Information )
    | \.directory | \.Trash-[0-9]+ | lost\+found | \.nfs[0-9a-f]{16,} | \.fuse_hidden[0-9a-f]{16,}
    | @eaDir
    )\Z""",
    re.VERBOSE | re.DOTALL,
)


def is_litter(name: bytes) -> bool:
    """Whether `name`, the last segment of a path, is that of a file or folder made by a system for itself
    (macOS Finder and Spotlight, Windows Explorer, desktop environments, NFS, NAS indexers). A folder is litter with everything below.

    >>> is_litter(b"Thumbs.db"), is_litter(b"thumbs.txt")
    (True, False)
    """
    return _NAMES.match(name) is not None
