"""The identity of a store: strongroom.json (docs/format.md, section 2), making one, and opening the one that is meant."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    InvalidValueError,
    KeyExistsError,
    NotFoundInStoreError,
    StoreRefusedError,
    StoreUnreachableError,
    UnknownFeatureError,
    UsageError,
    WrongStoreError,
)
from strongroom.core.events import utc_now
from strongroom.core.ids import check_id, new_id
from strongroom.core.keys import DESCRIPTION, README, RECOVER, StoreKey
from strongroom.durable import sync_names
from strongroom.stores import posix
from strongroom.stores.generations import newest_parsable, put_or_generation
from strongroom.stores.interface import Capabilities, Store
from strongroom.stores.open import DEFAULTS, FileLocation, Location, StoreOptions, open_raw, parse_url, wrap
from strongroom.stores.probe import probe
from strongroom.stores.readonly import ReadOnlyStore

FORMAT: Final = "strongroom-store/1"
NO_CREATE_ONLY: Final = "no-create-only"  # existing objects can be replaced here: replicas only
NO_CHECKSUMS: Final = "no-checksums"  # the server does not refuse wrong bytes: check before sending
ZSTD: Final = "!zstd"  # some packs are compressed: who does not know that cannot restore from here
KNOWN_FEATURES: Final = frozenset({NO_CREATE_ONLY, NO_CHECKSUMS, ZSTD})
_LIMIT: Final = 1 << 20
_SUCCESSOR: Final = re.compile(r"strongroom-([1-9][0-9]{0,8})\.json(~[1-9][0-9]*)?\Z")
#: What every store tells people, by key, and the file of this package that holds it.
_TEXTS: Final = {README: "readme.txt", RECOVER: "recover.py"}
_OURS: Final = ("bags/", "content/", "packs/", "log/", "checks/", "withheld/", "sweep/", "keys/")


@dataclass(frozen=True, slots=True)
class Description:
    """What strongroom.json says."""

    id: str
    created: str
    features: tuple[str, ...] = ()
    number: int = 0

    def to_bytes(self) -> bytes:
        return canonical.dumps({
            "format": FORMAT, "store": self.id, "created": self.created, "features": list(self.features), "number": self.number,
        })


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init_store` found or made."""

    url: str
    description: Description
    created: bool  # False: the store was there already, and nothing was touched
    capabilities: Capabilities

    @property
    def id(self) -> str:
        return self.description.id


def parse_description(data: bytes) -> Description:
    """Raises InvalidValueError for what is no description, UnknownFeatureError for one of another format version."""
    value = canonical.loads(data, what="strongroom.json")
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise InvalidValueError("strongroom.json: not a store's description")
    if value["format"] != FORMAT:
        raise UnknownFeatureError(f"the store has format {value['format'][:80]!r}; this version reads {FORMAT!r}. Use a newer version")
    features, number, identity = value.get("features"), value.get("number"), value.get("store")
    if not isinstance(features, list) or not all(isinstance(feature, str) for feature in features):
        raise InvalidValueError("strongroom.json: features must be a list of strings")
    if type(number) is not int or not isinstance(identity, str):
        raise InvalidValueError("strongroom.json: store or number is missing or of a wrong type")
    return Description(check_id(identity), str(value.get("created", "")), tuple(features), number)


def read_description(store: Store) -> Description:
    """The store's newest description. Raises WrongStoreError if there is none, DamagedInStoreError if it cannot be read as one
    (an older one does not stand in: it may lack a feature that readers must know)."""
    numbers = [0]
    for stat in store.list("strongroom-"):
        match = _SUCCESSOR.match(stat.key.text)
        if match:
            numbers.append(int(match[1]))
    key = StoreKey(f"strongroom-{max(numbers)}.json") if max(numbers) else DESCRIPTION
    try:
        return newest_parsable(store, key, parse_description, _LIMIT)
    except NotFoundInStoreError as error:
        raise WrongStoreError(f"{store.url}: no store is here (no strongroom.json). Is the right disk mounted there, the right bucket and "
                              "prefix named? A new store is made with `strongroom store init`") from error


def open_known_store(url: str, expected_id: str | None, options: StoreOptions = DEFAULTS) -> Store:
    """The store at `url`, after making sure that one is there and, if `expected_id` is given, that it is this one.

    Raises WrongStoreError if not, UnknownFeatureError if a newer version wrote it for newer readers only; where newer writers are
    wanted, the store that is returned refuses to be written.
    """
    location = parse_url(url)
    store = wrap(open_raw(location, options), options)
    description = read_description(store)
    if expected_id is not None and description.id != expected_id:
        raise WrongStoreError(f"{store.url}: the store there has the id {description.id}, expected was {expected_id}. Is another disk "
                              f"plugged in? If this is the one that is meant, say `id: {description.id}` at this store in the collection "
                              "manifest")
    found = set(description.features)
    if found & KNOWN_FEATURES:
        store = wrap(open_raw(
            location, options, create_only=NO_CREATE_ONLY not in found, checks_sha256=NO_CHECKSUMS not in found), options)
    unknown = sorted(found - KNOWN_FEATURES)
    reason = f"{store.url}: the store uses {', '.join(unknown)}, which this version does not know. Use a newer version"
    if any(feature.startswith("!") for feature in unknown):
        raise UnknownFeatureError(reason)
    return ReadOnlyStore(store, reason) if unknown else store


def text_for_people(key: StoreKey) -> bytes:
    """README.txt or recover.py, as a new store gets it."""
    return files("strongroom.stores").joinpath(_TEXTS[key]).read_bytes()


def init_store(url: str, options: StoreOptions = DEFAULTS) -> Initialised:
    """Probe the place and make it a store: README.txt, recover.py, then strongroom.json, the commit point.

    A folder is made if only its last name is missing; a bucket must exist. Where a store is already, nothing is touched and its
    description is given.

    Raises UsageError if other things lie there, WrongStoreError for the remains of a store that lost its description.
    """
    location = parse_url(url)
    if isinstance(location, FileLocation):
        _make_folder(location)
    store = open_raw(location, options)
    try:
        return Initialised(store.url, read_description(store), False, _with_limits(store))
    except WrongStoreError:
        _refuse_foreign(store)
    store, capabilities = _probe(location, options)
    missing = {NO_CREATE_ONLY: capabilities.create_only, NO_CHECKSUMS: capabilities.checks_sha256}
    description = Description(new_id(), utc_now(), tuple(sorted(name for name, there in missing.items() if not there)))
    for key in _TEXTS:
        text = text_for_people(key)
        put_or_generation(store, key, text, Digest.of(text))
    data = description.to_bytes()
    with suppress(KeyExistsError):  # another init at the same moment, or our own write with its reply lost: no generation, look who won
        store.put(DESCRIPTION, data, sha256=Digest.of(data))
    winner = read_description(store)
    return Initialised(store.url, winner, winner == description, capabilities)


def probe_place(url: str, options: StoreOptions = DEFAULTS) -> Capabilities:
    """What the place at `url` can do, store or not, tried out."""
    return _probe(parse_url(url), options)[1]


def _probe(location: Location, options: StoreOptions) -> tuple[Store, Capabilities]:
    """The store to write with, and what was found."""
    store = open_raw(location, options)
    in_parts = None if isinstance(location, FileLocation) else open_raw(location, options, always_in_parts=True)
    try:
        found = probe(store, in_parts)
    except StoreRefusedError:
        if isinstance(location, FileLocation):
            raise
        # Some servers refuse a conditional write instead of ignoring the condition.
        found = replace(probe(open_raw(location, options, create_only=False)), create_only=False)
    return open_raw(location, options, create_only=found.create_only, checks_sha256=found.checks_sha256), found


def _with_limits(store: Store) -> Capabilities:
    return replace(store.capabilities, notes=store.check_key_space())


def _make_folder(location: FileLocation) -> None:
    parent = os.path.dirname(location.path)
    lacking = "does not exist; make it, or mount the disk, first" if not os.path.isdir(parent) else "takes no new folder"
    absent = StoreUnreachableError(f"{location.url}: {parent} {lacking}")
    with posix.translated(location.url, absent):
        try:
            os.mkdir(location.path)
        except FileExistsError:
            return
        with posix.closing(os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as folder:
            sync_names(folder)


def _refuse_foreign(store: Store) -> None:
    for stat in store.list():
        if stat.key.text.startswith(_OURS):
            raise WrongStoreError(f"{store.url}: {stat.key} is there, but no strongroom.json: this was a store. Put strongroom.json "
                                  "back from another copy of this store instead of making a new one over it")
        if stat.key.base[0] not in (*_TEXTS, DESCRIPTION) and not stat.key.text.startswith("probe/"):
            raise UsageError(f"{store.url}: other things lie there ({stat.key}); a store wants a folder or prefix of its own")
