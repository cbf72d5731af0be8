"""All rules of BagIt, one after the other; none of them stops at the first error, and none writes into the bag."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from strongroom.core.bag.profile import Profile
from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding
from strongroom.core.keys import DESCRIPTION
from strongroom.runner.interface import Progress
from strongroom.usecases.verify.bag import Bag
from strongroom.usecases.verify.bag_info import check_bag_info
from strongroom.usecases.verify.completeness import check_missing, check_unlisted
from strongroom.usecases.verify.declaration import check_declaration
from strongroom.usecases.verify.duplicates import check_duplicates
from strongroom.usecases.verify.fetch import check_fetch
from strongroom.usecases.verify.fixity import check_fixity
from strongroom.usecases.verify.index import temporary_index
from strongroom.usecases.verify.manifests import check_manifests
from strongroom.usecases.verify.matching import check_matching
from strongroom.usecases.verify.names import check_names
from strongroom.usecases.verify.payload_folder import check_payload_folder
from strongroom.usecases.verify.profile import check_profile
from strongroom.usecases.verify.report import VerifyReport
from strongroom.usecases.verify.tag_manifests import check_tag_manifests
from strongroom.usecases.verify.walk import check_contents

#: In this order: the first four fill the index that the others ask; matching leads entries to files before any is called missing.
RULES: Final[tuple[Callable[[Bag], Iterator[Finding]], ...]] = (
    check_contents,
    check_payload_folder,
    check_declaration,
    check_manifests,
    check_duplicates,
    check_matching,
    check_fetch,
    check_missing,
    check_unlisted,
    check_tag_manifests,
    check_bag_info,
    check_names,
)


def verify(
    path: Path, *, workers: int = 2, progress: Progress | None = None, profile: Profile | None = None, name: str | None = None,
    form: str = "folder",
) -> VerifyReport:
    """Validate the bag in the folder `path` (RFC 8493, 3): complete, well-formed, and every checksum right.

    With `profile`, every rule of it as well, of a bag that came in this `form` ("folder", "tar", "tar.gz", "zip"). Every file is read once.
    `name` is what the report calls it.
    `progress` is told of files and bytes hashed. Raises UsageError if `path` is not a folder, or a store, and
    StrongroomError if a worker process dies. Whatever is wrong with the bag is a finding.
    """
    if not path.is_dir():
        what = "is neither a folder nor a file" if os.path.lexists(path) else "does not exist"
        raise UsageError(f"{path}: {what}; name the folder that holds bagit.txt, or a tar, tar.gz or zip of it")
    if not (path / "bagit.txt").exists() and (path / DESCRIPTION.text).exists():
        raise UsageError(f"{path} is a store, not a bag; `strongroom audit --store {path}` verifies all that lies in it")
    with temporary_index() as index:
        bag = Bag(os.path.abspath(os.fsencode(path)), index)
        return examine(bag, name or str(path), workers=workers, progress=progress, profile=profile, form=form)


def examine(
    bag: Bag, name: str, *, workers: int = 2, progress: Progress | None = None, profile: Profile | None = None, form: str = "folder",
) -> VerifyReport:
    """`verify` for a bag whose index somebody goes on asking afterwards. `name` is what the report calls it."""
    findings = [finding for rule in RULES for finding in rule(bag)]
    findings += check_profile(bag, profile, form) if profile is not None else ()
    findings += check_fixity(bag, workers, progress)
    size, files = next(bag.index.rows("SELECT coalesce(sum(size), 0), count(*) FROM files WHERE payload"))
    return VerifyReport(
        bag=name,
        version=str(bag.declaration.version),
        encoding=bag.declaration.encoding,
        payload_algorithms=_algorithms(bag, tag=False),
        tag_algorithms=_algorithms(bag, tag=True),
        payload_files=files,
        payload_bytes=size,
        tag_files=bag.index.one("SELECT count(*) FROM files WHERE NOT payload"),
        hashed_bytes=bag.hashed_bytes,
        findings=tuple(findings),
    )


def _algorithms(bag: Bag, *, tag: bool) -> tuple[str, ...]:
    return tuple(name for (name,) in bag.index.rows("SELECT DISTINCT algorithm FROM manifests WHERE tag=? ORDER BY algorithm", tag))
