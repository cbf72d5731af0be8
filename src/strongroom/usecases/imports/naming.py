"""Which collection an imported bag becomes a bag of."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from strongroom.core.errors import InvalidValueError, RefusedError
from strongroom.core.ids import check_collection_name
from strongroom.usecases.imports.own import Own, collection_uuid

#: Of the UUIDs that are made from what a bag says of itself, so that the same bag is the same collection wherever it is imported.
_NAMESPACE: Final = uuid.UUID("5c1b1f0e-6e0a-5d0e-9a55-3f1a0c7d2b84")
_LONGEST: Final = 50


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a collection name is: the collection's UUID, and whether its last bag was imported."""

    uuid: str
    imported: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The name a bag would have, and the collection it says that it is of."""

    name: str
    uuid: str
    identity: str


def wanted(elements: list[tuple[str, str]], own: Own | None, received_name: str, manifest_digest: str) -> Wanted:
    """By its External-Identifier: a UUID before any other. A bag without one is itself alone: of that name, with that payload manifest."""
    external = [value for label, value in elements if label.lower() == "external-identifier" and value.strip()]
    name = own.bag.name if own is not None else slug(external[0] if external else received_name)
    claimed = collection_uuid(elements)
    if claimed is not None:
        return Wanted(name, claimed, f"urn:uuid:{uuid.UUID(claimed)}")
    identity = f"External-Identifier: {external[0]}" if external else f"name: {received_name}, payload manifest: {manifest_digest}"
    return Wanted(name, uuid.uuid5(_NAMESPACE, identity).hex, identity)


def choose(asked: str | None, want: Wanted, owner: Callable[[str], Owner | None]) -> tuple[str, str]:
    """Name and UUID of the collection. `asked`: by the person, who may mean any collection there is.

    Raises RefusedError where a bag says that it is of a collection that is archived here from its source.
    """
    if asked is not None:
        there = owner(asked)
        return asked, there.uuid if there else uuid.uuid5(_NAMESPACE, f"collection: {asked}").hex
    tail = hashlib.sha256(want.identity.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    for name in (want.name, f"{want.name[:_LONGEST]}-{tail}"):
        there = owner(name)
        if there is None or (there.uuid == want.uuid and there.imported):
            return name, want.uuid
        if there.uuid == want.uuid:
            raise RefusedError(
                f"says that it is of the collection {name}, which was not imported but is archived here. If it is to become the next "
                f"version of it, say --collection {name}; else give it a name of its own with --collection"
            )
    raise RefusedError(f"the names {name} and {want.name} are taken by other collections; give one with --collection")


def slug(text: str) -> str:
    """A collection name made of `text`.

    >>> slug("https://example.org/Été 2003/")
    'example.org-ete-2003'
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"\A(https?|ftp)://", "", text.strip(), flags=re.IGNORECASE))
    words = re.sub(r"[^a-z0-9._]+", "-", "".join(c for c in plain if not unicodedata.combining(c)).lower())
    name = words.strip("-._")[:_LONGEST].strip("-._")
    with suppress(InvalidValueError):
        return check_collection_name(name)
    return "bag-" + hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]
