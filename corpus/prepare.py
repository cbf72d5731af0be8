"""Copy the sample collection to a folder of its own: python -m corpus.prepare DEST

The sample (corpus/sample) is what the keeper of a made-up community site saved before it closed: pages with one header and
footer, an article as two mirrors kept it, exact duplicates, names in many scripts, pictures, a PDF, a zip, a table, metadata.csv.
Every word and picture of it was made for this project. What git does not keep is added here: an empty folder, a symbolic link,
modes, and modification times to the nanosecond, the same at every run. corpus/sample-metadata-with-errors.csv is the first
40 records of metadata.csv with three of them spoilt.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

SAMPLE: Final = Path(__file__).with_name("sample")
EMPTY_FOLDER: Final = "lanternmoor.example/photos/for next year"
LINK: Final = ("lanternmoor.example/latest news.html", "news/2018-08-26-closing.html")
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644
_MODES: Final = {"metadata.csv": 0o640, "SHA256SUMS": 0o444, "~old index.html": 0o600}
#: The years of the site, in nanoseconds since 1970: 2005-10-01 to 2018-10-01.
_FIRST, _LAST = 1_128_124_800 * 10**9, 1_538_352_000 * 10**9


def prepare(dest: Path) -> int:
    """Copy the sample to `dest`, which is absent or an empty folder; the number of files. Raises FileExistsError otherwise."""
    if dest.exists() and any(dest.iterdir()):
        raise FileExistsError(f"{dest} is not empty; choose a new folder, nothing was written")
    shutil.copytree(SAMPLE, dest, dirs_exist_ok=True, copy_function=shutil.copyfile)
    (dest / EMPTY_FOLDER).mkdir()
    (dest / LINK[0]).symlink_to(LINK[1])
    files = 0
    for parent, _, names in os.walk(dest, topdown=False):  # bottom up: what is set in a folder changes the folder's own time
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(_MODES.get(name, _FILE_MODE))
                files += 1
            _set_time(path, dest)
        Path(parent).chmod(_FOLDER_MODE)
        _set_time(Path(parent), dest)
    return files


def _set_time(path: Path, dest: Path) -> None:
    drawn = int.from_bytes(hashlib.sha256(os.fsencode(path.relative_to(dest))).digest()[:8])
    time = _FIRST + drawn % (_LAST - _FIRST)
    os.utime(path, ns=(time, time), follow_symlinks=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="corpus.prepare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dest", type=Path, metavar="DEST", help="absent or empty folder")
    dest = parser.parse_args(arguments).dest
    try:
        files = prepare(dest)
    except FileExistsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}; what was copied so far lies in {dest}", file=sys.stderr)
        return 3
    print(f"{files} files in {dest}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
