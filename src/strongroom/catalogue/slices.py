"""What questions that join a run's lists with the catalogue need of its tables (strongroom.database.Slice).

`given` is a SELECT of the digests, asked where the run's lists are.
"""

from __future__ import annotations

from typing import Final

from strongroom.database import Slice

#: Whether an object `o` may be believed to hold what the catalogue says (`p`): a large content holds what its name says and nothing else.
TRUSTED: Final = "NOT o.damaged AND (o.kind != 'content' OR o.digest = p.sha256)"


def trusted_places(store: int, scope: str, given: str) -> tuple[Slice, ...]:
    """Where these contents lie in a store, and in which objects."""
    return (
        Slice("places", "store, scope, sha256, object", "store, scope, sha256", "store = ? AND scope = ?", (store, scope), "sha256", given),
        objects_of("SELECT DISTINCT object FROM cat.places"),
    )


def places_anywhere(given: str) -> tuple[Slice, ...]:
    """Where these contents lie in any store, in whatever scope; the objects and the stores."""
    return (
        Slice("stores", "number, id", "id"),
        Slice("places", "store, scope, sha256, object", "store, sha256", of="sha256", given=given),
        objects_of("SELECT DISTINCT object FROM cat.places"),
    )


def objects_of(given: str) -> Slice:
    """The objects of these numbers."""
    return Slice("objects", "id, kind, digest, size, verified, damaged", "id", of="id", given=given)


def verdicts_about(given: str) -> tuple[Slice, ...]:
    """What these contents were identified as."""
    return Slice("formats", "sha256, extension, verdict", "sha256, extension", of="sha256", given=given), VERDICTS


def scans_of(given: str) -> Slice:
    """What virus scanners said of these contents."""
    return Slice("scans", "sha256, outcome, detail, signatures", "sha256", of="sha256", given=given)


def source_read(collection: str) -> Slice:
    return Slice("source_reads", "collection, source, algorithms, seal", "collection", "collection = ?", (collection,))


def source_files(collection: str) -> Slice:
    """What the collection's source held when it was read last."""
    columns = "collection, path, size, mtime, ctime, inode, pin, sha256, others"
    return Slice("source_files", columns, "collection, path", "collection = ?", (collection,))


def near_copies(given: str) -> tuple[Slice, ...]:
    """The pairs within these contents."""
    columns = "a, b, kind, jaccard, a_in_b, b_in_a, differs, turned"
    return (
        Slice("likeness_contents", "number, sha256", "sha256", of="sha256", given=given),
        Slice("likeness_pairs", columns, "a", of="a", given="SELECT number FROM cat.likeness_contents"),
    )


VERDICTS: Final = Slice("verdicts", "number, mime, puid, name, version, basis, flags, signatures", "number")
