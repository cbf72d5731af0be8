"""BagIt profiles (BagIt Profiles Specification 1.4.0): what a receiver of bags asks for, parsed from JSON. Opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, cast

from strongroom.core.errors import InvalidValueError

IDENTIFIER: Final = "BagIt-Profile-Identifier"
_TAG_MEMBERS: Final = frozenset({"required", "values", "repeatable", "description", "recommended"})
_KNOWN: Final = frozenset({
    "BagIt-Profile-Info", "Bag-Info", "Manifests-Required", "Manifests-Allowed", "Allow-Fetch.txt", "Fetch.txt-Required", "Data-Empty",
    "Serialization", "Accept-Serialization", "Accept-BagIt-Version", "Tag-Manifests-Required", "Tag-Manifests-Allowed",
    "Tag-Files-Required", "Tag-Files-Allowed", "Payload-Files-Required", "Payload-Files-Allowed",
})


@dataclass(frozen=True, slots=True)
class TagRule:
    """What a profile says of one element of bag-info.txt."""

    label: str  # as the profile spells it
    required: bool
    values: tuple[str, ...]  # none: any
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile. A list that is None was not given, which means that everything is allowed."""

    identifier: str  # a URI
    version: str  # of the specification it is written to
    tags: tuple[TagRule, ...]
    manifests_required: tuple[str, ...]
    manifests_allowed: tuple[str, ...] | None
    tag_manifests_required: tuple[str, ...]
    tag_manifests_allowed: tuple[str, ...] | None
    fetch_allowed: bool
    fetch_required: bool
    data_empty: bool
    serialization: Literal["forbidden", "required", "optional"]
    accept_serialization: tuple[str, ...]  # MIME types
    accept_versions: tuple[str, ...]  # of BagIt; none: any
    tag_files_required: tuple[str, ...]
    tag_files_allowed: tuple[str, ...] | None  # patterns
    payload_required: tuple[str, ...]  # a folder ends in a slash
    payload_allowed: tuple[str, ...] | None  # patterns
    unknown: tuple[str, ...]  # members that the specification does not define

    def allows_tag_file(self, path: str) -> bool:
        return self.tag_files_allowed is None or matches_any(path, self.tag_files_allowed)


def matches_any(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern in which an asterisk stands for any characters, slashes too, matches.

    >>> matches_any("metadata/a.xml", ("*.xml",)), matches_any("a[1]", ("a[1]",))
    (True, True)
    """
    return any(path == pattern or fnmatchcase(path, pattern) for pattern in patterns)


def parse_profile(document: object, *, what: str) -> Profile:
    """The profile a JSON document is. Raises InvalidValueError naming the member that makes no sense; `what` names the document."""
    try:
        return _parse(_mapping(document, "the profile"))
    except InvalidValueError as error:
        raise InvalidValueError(f"{what}: not a BagIt profile: {error}") from error


def _parse(value: Mapping[str, Any]) -> Profile:
    info = _mapping(value.get("BagIt-Profile-Info"), "BagIt-Profile-Info")
    if not isinstance(info.get(IDENTIFIER), str):
        raise InvalidValueError(f"BagIt-Profile-Info has no {IDENTIFIER}, without which no bag can say that it conforms")
    serialization = value.get("Serialization", "optional")
    if serialization not in ("forbidden", "required", "optional"):
        raise InvalidValueError(f"Serialization is {serialization!r}, not forbidden, required or optional")
    tags = tuple(_tag(label, rule) for label, rule in _mapping(value.get("Bag-Info", {}), "Bag-Info").items() if label != IDENTIFIER)
    profile = Profile(
        identifier=info[IDENTIFIER], version=str(info.get("BagIt-Profile-Version", "1.1.0")), tags=tags,
        manifests_required=_list(value, "Manifests-Required"), manifests_allowed=_optional(value, "Manifests-Allowed"),
        tag_manifests_required=_list(value, "Tag-Manifests-Required"), tag_manifests_allowed=_optional(value, "Tag-Manifests-Allowed"),
        fetch_allowed=_flag(value, "Allow-Fetch.txt", True), fetch_required=_flag(value, "Fetch.txt-Required", False),
        data_empty=_flag(value, "Data-Empty", False), serialization=cast(Literal["optional"], serialization),
        accept_serialization=_list(value, "Accept-Serialization"), accept_versions=_list(value, "Accept-BagIt-Version"),
        tag_files_required=_list(value, "Tag-Files-Required"), tag_files_allowed=_optional(value, "Tag-Files-Allowed"),
        payload_required=_list(value, "Payload-Files-Required"), payload_allowed=_optional(value, "Payload-Files-Allowed"),
        unknown=tuple(sorted(set(value) - _KNOWN)),
    )
    for name, required, allowed in (
        ("Manifests", profile.manifests_required, profile.manifests_allowed),
        ("Tag-Manifests", profile.tag_manifests_required, profile.tag_manifests_allowed),
    ):
        if beyond := sorted(set(required) - set(required if allowed is None else allowed)):
            raise InvalidValueError(f"{name}-Required names {', '.join(beyond)}, which {name}-Allowed does not")
    if profile.fetch_required and not profile.fetch_allowed:
        raise InvalidValueError("Fetch.txt-Required is true and Allow-Fetch.txt is false")
    return profile


def _tag(label: str, rule: object) -> TagRule:
    rule = _mapping(rule, f"Bag-Info, {label}")
    if unknown := set(rule) - _TAG_MEMBERS:
        raise InvalidValueError(f"Bag-Info, {label}: {', '.join(sorted(unknown))} is no parameter of an element")
    required, repeatable = _flag(rule, "required", False), _flag(rule, "repeatable", True)
    return TagRule(label, required, _list(rule, "values"), repeatable)


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValueError(f"{name} is not an object")
    return value


def _list(value: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return _optional(value, name) or ()


def _optional(value: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidValueError(f"{name} is not a list of texts")
    return tuple(found)


def _flag(value: Mapping[str, Any], name: str, default: bool) -> bool:
    found = value.get(name, default)
    if not isinstance(found, bool):
        raise InvalidValueError(f"{name} is {found!r}, not true or false")
    return found
