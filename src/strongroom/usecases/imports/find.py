"""Which bags are meant by what stands on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from strongroom.core.bag.manifest import manifest_name
from strongroom.core.errors import UsageError
from strongroom.unpacking.forms import SUFFIXES


def find_bags(paths: Iterable[Path]) -> list[Path]:
    """The bags at `paths` in their order: files and bags as they are named, folders of bags by what is in them, sorted.

    Raises UsageError for a path where there is nothing, or a folder without bags.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is nothing of this name; name a bag (a folder, tar, tar.gz or zip) or a folder of bags")
        inside = [] if not path.is_dir() or _looks_like_a_bag(path) else list(_bags_in(path))
        if path.is_dir() and not inside and not _looks_like_a_bag(path):
            raise UsageError(f"{path}: is no bag (bagit.txt is missing) and holds none (folders with bagit.txt, {', '.join(SUFFIXES)})")
        found += inside or [path]
    return list(dict.fromkeys(found))


def _bags_in(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if (entry.is_dir() and _looks_like_a_bag(entry)) or (entry.is_file() and entry.name.lower().endswith(SUFFIXES)):
            yield entry


def _looks_like_a_bag(folder: Path) -> bool:
    """Whether it is one, perhaps a damaged one: then it is refused with what is wrong rather than passed over."""
    return (folder / "bagit.txt").exists() or any(manifest_name(entry.name) for entry in folder.glob("*manifest-*.txt"))
