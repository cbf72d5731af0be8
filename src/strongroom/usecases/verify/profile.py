"""A bag keeps to a BagIt profile (BagIt Profiles 1.4.0), where one is given."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.bag.baginfo import Element, bag_info_name, parse_bag_info
from strongroom.core.bag.conformity import Facts, check
from strongroom.core.bag.profile import Profile
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag


def check_profile(bag: Bag, profile: Profile, form: str = "folder") -> Iterator[Finding]:
    """Every rule of the profile that is broken by a bag that came in this form. To be asked after the rules that fill the index."""
    for name in profile.unknown:
        what = f"{name} is no member that BagIt Profiles 1.4.0 defines; it was not looked at"
        yield Finding(Code.BAG_PROFILE_UNKNOWN, f"profile {profile.identifier}", what)
    files, size = next(bag.index.rows("SELECT count(*), coalesce(sum(size), 0) FROM files WHERE payload"))
    facts = Facts(
        version=str(bag.declaration.version), info=_info(bag), manifests=_algorithms(bag, tag=False),
        tag_manifests=_algorithms(bag, tag=True), tag_files=_paths(bag, payload=False), payload=lambda: _paths(bag, payload=True),
        payload_files=files, payload_bytes=size, serialization=form,
    )
    for broken in check(profile, facts):
        yield Finding(Code.BAG_PROFILE, broken.place, f"{broken.message} ({broken.rule})")


def _info(bag: Bag) -> list[tuple[str, str]]:
    name = bag_info_name(bag.declaration.version)
    if not bag.has(name):
        return []
    try:
        items = parse_bag_info(bag.chunks(name), version=bag.declaration.version, encoding=bag.declaration.encoding)
        return [(item.label, item.value) for item in items if isinstance(item, Element)]
    except OSError:
        return []  # said by the rule that checks the file itself


def _algorithms(bag: Bag, *, tag: bool) -> frozenset[str]:
    return frozenset(name for (name,) in bag.index.rows("SELECT DISTINCT algorithm FROM manifests WHERE tag = ?", tag))


def _paths(bag: Bag, *, payload: bool) -> Iterator[str]:
    """A payload file that stands only in fetch.txt counts: a profile is about the complete bag."""
    listed = "SELECT path FROM files WHERE payload UNION SELECT path FROM fetch"
    query = listed if payload else "SELECT path FROM files WHERE NOT payload"
    yield from (os.fsdecode(path) for (path,) in bag.index.rows(query))
