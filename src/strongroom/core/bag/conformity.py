"""Whether a bag keeps to a BagIt profile: every rule of BagIt Profiles 1.4.0, on facts that somebody else has gathered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from strongroom.core.bag.manifest import manifest_name
from strongroom.core.bag.profile import IDENTIFIER, Profile, TagRule, matches_any
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size

#: Names under which a serialization is known; a profile may ask by any of them.
SERIALIZATIONS: Final = {
    "tar": ("application/tar", "application/x-tar", "application/x-gtar"),
    "tar.gz": ("application/gzip", "application/x-gzip", "application/tar+gzip", "application/x-tgz"),
    "zip": ("application/zip", "application/x-zip", "application/x-zip-compressed"),
}


class Broken(NamedTuple):
    """A rule that is broken: the member of the profile, the file it is about, what is wrong, and the element it is about if any."""

    rule: str
    place: str
    message: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a profile may ask about. `serialization`: a key of SERIALIZATIONS, "folder", or None where it is not known."""

    version: str  # of BagIt
    info: Sequence[tuple[str, str]]
    manifests: frozenset[str]  # algorithms
    tag_manifests: frozenset[str]
    tag_files: Iterable[str]  # all files of the bag outside data/, at its top too
    payload: Callable[[], Iterable[str]]  # paths, as often as it is called
    payload_files: int
    payload_bytes: int
    serialization: str | None = field(default=None)


def check(profile: Profile, facts: Facts) -> Iterator[Broken]:
    """Every rule of the profile that the bag breaks."""
    yield from _serialization(profile, facts)
    if profile.accept_versions and facts.version not in profile.accept_versions:
        yield Broken("Accept-BagIt-Version", "bagit.txt", f"BagIt {facts.version}; accepted are {', '.join(profile.accept_versions)}")
    yield from _identifier(profile, facts)
    for rule in profile.tags:
        yield from _element(rule, facts)
    yield from _manifests("Manifests", profile.manifests_required, profile.manifests_allowed, facts.manifests)
    yield from _manifests("Tag-Manifests", profile.tag_manifests_required, profile.tag_manifests_allowed, facts.tag_manifests)
    yield from _tag_files(profile, facts)
    yield from _payload(profile, facts)


def _serialization(profile: Profile, facts: Facts) -> Iterator[Broken]:
    if facts.serialization is None:
        return
    accepted = ", ".join(profile.accept_serialization) or "none"
    if facts.serialization == "folder":
        if profile.serialization == "required":
            yield Broken("Serialization", "the bag", f"must be one file of a type among {accepted}; it is a folder")
    elif profile.serialization == "forbidden":
        yield Broken("Serialization", "the bag", f"must be a folder; it is a {facts.serialization} file")
    elif not set(SERIALIZATIONS[facts.serialization]) & set(profile.accept_serialization):
        yield Broken("Accept-Serialization", "the bag", f"is a {facts.serialization} file; accepted are {accepted}")


def _identifier(profile: Profile, facts: Facts) -> Iterator[Broken]:
    values = [value for label, value in facts.info if label.lower() == IDENTIFIER.lower()]
    if profile.identifier not in values:
        found = f"says {', '.join(values)}" if values else "has none"
        yield Broken(IDENTIFIER, "bag-info.txt", f"must name {profile.identifier}; it {found}", IDENTIFIER)


def _element(rule: TagRule, facts: Facts) -> Iterator[Broken]:
    # Labels are compared without regard to case (RFC 8493, 2.2.2).
    values = [value for label, value in facts.info if label.lower() == rule.label.lower()]
    if rule.required and not any(values):
        may = f"; one of {', '.join(rule.values)}" if rule.values else ""
        yield Broken("Bag-Info", "bag-info.txt", f"{rule.label} is required and not there{may}", rule.label)
    if len(values) > 1 and not rule.repeatable:
        yield Broken("Bag-Info", "bag-info.txt", f"{rule.label} must not be repeated and is there {len(values)} times", rule.label)
    if rule.values:
        for value in values:
            if value not in rule.values:
                what = f"{rule.label} is {value[:200]!r}; it must be one of {', '.join(rule.values)}"
                yield Broken("Bag-Info", "bag-info.txt", what, rule.label)


def _manifests(name: str, required: Iterable[str], allowed: Iterable[str] | None, there: frozenset[str]) -> Iterator[Broken]:
    prefix = "tagmanifest" if name.startswith("Tag") else "manifest"
    for algorithm in required:
        if _known(algorithm) not in there:
            yield Broken(f"{name}-Required", f"{prefix}-{algorithm}.txt", "is required and not there")
    if allowed is not None:
        may = {_known(algorithm) for algorithm in allowed}
        for algorithm in sorted(there - may):
            yield Broken(f"{name}-Allowed", f"{prefix}-{algorithm}.txt", f"is not allowed; allowed are {', '.join(allowed) or 'none'}")


def _known(algorithm: str) -> str:
    """Our name of an algorithm, however it is spelled ("SHA-256")."""
    found = manifest_name(f"manifest-{algorithm}.txt")
    return found[1] if found is not None else algorithm


def _tag_files(profile: Profile, facts: Facts) -> Iterator[Broken]:
    missing = Counter(profile.tag_files_required)
    fetch = False
    for path in facts.tag_files:
        missing.pop(path, None)
        fetch = fetch or path == "fetch.txt"
        if not is_structural(path) and not profile.allows_tag_file(path):
            yield Broken("Tag-Files-Allowed", path, "is not among the tag files that are allowed")
    for path in missing:
        yield Broken("Tag-Files-Required", path, "is required and not there")
    if fetch and not profile.fetch_allowed:
        yield Broken("Allow-Fetch.txt", "fetch.txt", "is not allowed")
    if profile.fetch_required and not fetch:
        yield Broken("Fetch.txt-Required", "fetch.txt", "is required and not there")


def is_structural(path: str) -> bool:
    """Whether a tag file is one that BagIt itself defines, to which Tag-Files-Allowed does not apply."""
    return path in ("bagit.txt", "bag-info.txt", "fetch.txt") or manifest_name(path) is not None


def _payload(profile: Profile, facts: Facts) -> Iterator[Broken]:
    if profile.data_empty and (facts.payload_files > 1 or facts.payload_bytes):
        held = f"{plural(facts.payload_files, 'file')}, {human_size(facts.payload_bytes)}"
        what = f"must be empty, or hold one file of no bytes; it holds {held}"
        yield Broken("Data-Empty", "data/", what)
    if not profile.payload_required and profile.payload_allowed is None:
        return
    missing = dict.fromkeys(profile.payload_required)
    for path in facts.payload():
        for required in [one for one in missing if path == one or (one.endswith("/") and path.startswith(one))]:
            del missing[required]
        if profile.payload_allowed is not None and not matches_any(path, profile.payload_allowed):
            yield Broken("Payload-Files-Allowed", path, "is not among the payload files that are allowed")
    for path in missing:
        yield Broken("Payload-Files-Required", path, "is required and not there")
