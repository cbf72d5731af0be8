"""The tables of the catalogue: here, and nowhere else, it is said what they are.

What opens a catalogue does not import this, since SQLAlchemy costs a command more time than its work: it makes the tables with the
statements of made/*.sql, which `python -m strongroom.catalogue.tables` writes from here and a test compares.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_mock_engine,
    false,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

METADATA: Final = MetaData()
# Text is compared by its bytes in both, which is the order of manifests and keys.
_TEXT: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")  # which numbers rows by itself only where it is called INTEGER


def _table(name: str, *columns: Any, comment: str | None = None) -> Table:
    keyed = any(isinstance(one, Column) and one.identity is not None for one in columns)
    return Table(name, METADATA, *columns, comment=comment, sqlite_with_rowid=keyed)


def _col(name: str, *kind: Any, **more: Any) -> Column[Any]:
    return Column(name, *kind, nullable=False, **more)


def _key(name: str, *kind: Any, **more: Any) -> Column[Any]:
    return Column(name, *kind, primary_key=True, nullable=False, **more)


def _maybe(name: str, *kind: Any, **more: Any) -> Column[Any]:
    return Column(name, *kind, **more)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


stores = _table(
    "stores",
    _key("number", _NUMBER, Identity()),
    _col("id", _TEXT, unique=True),
    _col("url", _TEXT),
    _col("writer", _TEXT, comment="this installation's log in that store (format.md, 7)"),
    _col("seen", _TEXT),
    _col("dirty", Boolean, server_default=true(), comment="may hold objects this catalogue has not heard of"),
    _maybe("retained", _TEXT, comment="when its locks were last looked at and extended, all of them"),
    _col("found", _TEXT, server_default="", comment="JSON: what it was found to do when it was last asked"),
)
collections = _table(
    "collections",
    _key("name", _TEXT),
    _maybe("manifest", _TEXT),
    _maybe("last_archive", _TEXT),
    _maybe("last_outcome", _TEXT),
)
bags = _table(
    "bags",
    _key("seal", LargeBinary, comment="a bag's identity; a forked version is two rows"),
    _col("name", _TEXT),
    _col("version", BigInteger),
    _col("collection", _TEXT),
    _col("attempt", _TEXT),
    _col("sealed", _TEXT),
    _col("files", BigInteger),
    _col("bytes", BigInteger),
    _col("state", LargeBinary),
)
Index("bags_by_label", bags.c.name, bags.c.version)
bag_stores = _table(
    "bag_stores",
    _key("seal", LargeBinary),
    _key("store", BigInteger),
)
bag_access = _table(
    "bag_access",
    _key("seal", LargeBinary),
    _col("level", _TEXT),
    _maybe("embargo_until", _TEXT),
    comment="what sealed bags say of access to their collection (access.py)",
)
objects = _table(
    "objects",
    _key("id", _NUMBER, Identity()),
    _col("store", BigInteger),
    _col("kind", _TEXT),
    _col("digest", LargeBinary),
    _col("size", BigInteger),
    _col("verified", Boolean, server_default=false(), comment="read whole and found to have its digest, and places says what is in it"),
    _maybe("members", LargeBinary, comment="of a pack whose members were compared with their names: SHA-256 of the index they ask for"),
    _col("damaged", Boolean, server_default=false(), comment="known damaged or missing: never relied upon again"),
    _col("since", _TEXT, comment="when this catalogue first heard of it"),
    UniqueConstraint("store", "kind", "digest"),
    CheckConstraint("kind IN ('pack', 'zstd', 'content')"),
    comment="packs and large contents of each store",
)
places = _table(
    "places",
    _key("store", BigInteger),
    _key("scope", _TEXT),
    _key("sha256", LargeBinary),
    _key("object", BigInteger),
    _col("length", BigInteger),
    comment="where a content lies; scope is '' or the collection it may be shared within",
)
Index("places_by_object", places.c.object)
Index("places_by_length", places.c.store, places.c.length, **_where("length > 4194304"))
verdicts = _table(
    "verdicts",
    _key("number", _NUMBER, Identity()),
    _col("mime", _TEXT),
    _col("puid", _TEXT, comment="PRONOM's id"),
    _col("name", _TEXT),
    _col("version", _TEXT),
    _col("basis", _TEXT),
    _col("flags", _TEXT),
    _col("signatures", _TEXT, comment="what judged, and by which signatures"),
    UniqueConstraint("puid", "mime", "name", "version", "basis", "flags", "signatures"),
    comment="what contents are identified as (formats.py); '' is: not known",
)
formats = _table(
    "formats",
    _key("sha256", LargeBinary),
    _key("extension", _TEXT, comment="in lower case; '' for none"),
    _col("verdict", BigInteger),
    comment="the verdict about a content in files of an extension",
)
scans = _table(
    "scans",
    _key("sha256", LargeBinary),
    _col("outcome", _TEXT),
    _col("detail", _TEXT),
    _col("signatures", _TEXT),
    comment="what a virus scanner said of a content (scans.py)",
)
bag_formats = _table(
    "bag_formats",
    _key("seal", LargeBinary),
    _key("verdict", BigInteger),
    _col("files", BigInteger),
    _col("bytes", BigInteger),
    comment="what the payload of a bag is made of",
)
source_files = _table(
    "source_files",
    _key("collection", _TEXT),
    _key("path", _TEXT),
    _col("size", BigInteger),
    _col("mtime", BigInteger),
    _col("ctime", BigInteger),
    _col("inode", BigInteger),
    _maybe("pin", _TEXT, comment="of an object in a bucket: its version and ETag"),
    _col("sha256", LargeBinary),
    _col("others", LargeBinary, comment="digests by the other algorithms, in the order of source_reads.algorithms"),
    comment="what a collection's source held when it was last read",
)
source_reads = _table(
    "source_reads",
    _key("collection", _TEXT),
    _col("source", LargeBinary, comment="the folder's path, or the URL, as bytes"),
    _col("algorithms", _TEXT),
    _col("seal", LargeBinary, comment="the bag that holds what source_files says"),
)
checks = _table(
    "checks",
    _key("store", BigInteger),
    _col("base", _TEXT, comment="the key without its generation"),
    _key("key", _TEXT),
    _col("seq", BigInteger),
    _col("outcome", _TEXT),
    _col("time", _TEXT),
    _maybe("size", BigInteger),
    _maybe("expected", _TEXT),
    _maybe("found", _TEXT),
    _col("published", Boolean, server_default=false(), comment="it lies in the store, below checks/"),
    comment="the last result of looking at each key of a store (checks.py)",
)
Index("checks_by_seq", checks.c.store, checks.c.seq)
Index("checks_by_base", checks.c.store, checks.c.base)
Index("checks_unpublished", checks.c.store, checks.c.key, **_where("NOT published"))
Index("checks_unsound", checks.c.store, checks.c.key, **_where("outcome IN ('damaged', 'missing')"))
unread = _table(
    "unread",
    _key("store", BigInteger),
    _col("base", _TEXT, comment="the key without its generation"),
    _key("key", _TEXT),
    _col("seq", BigInteger, comment="of that audit"),
    _col("cold", Boolean, server_default=false(), comment="for it lies in a cold storage class"),
    comment="keys that the store, which answered, could not give when an audit last asked for them",
)
audits = _table(
    "audits",
    _key("store", BigInteger),
    _key("seq", BigInteger),
    _col("scope", _TEXT),
    _col("round", BigInteger),
    _col("began", _TEXT),
    _maybe("ended", _TEXT),
    _col("complete", Boolean, server_default=false()),
    comment="full audits of this installation",
)
withheld_files = _table(
    "withheld_files",
    _key("name", _TEXT),
    _key("version", BigInteger),
    _key("sha256", LargeBinary),
    _col("files", BigInteger),
    comment="files of bags with contents that are withheld (withheld.py); a figure for people",
)
Index("withheld_files_by_content", withheld_files.c.sha256)
counted_bags = _table(
    "counted_bags",
    _key("seal", LargeBinary),
    _col("notable", _TEXT, comment="JSON: its largest and its oldest files"),
    comment="bags whose payload is in `held` (holdings.py); figures for people",
)
held = _table(
    "held",
    _key("collection", _TEXT),
    _key("sha256", LargeBinary),
    _col("length", BigInteger),
    _col("files", BigInteger, comment="with this content, in all bags together"),
    _col("bags", BigInteger, comment="that have it"),
    _col("first", BigInteger, comment="the lowest version that has it"),
    comment="the contents of each collection, over all its bags that were counted",
)
Index("held_by_content", held.c.sha256, held.c.length)
likeness_contents = _table(
    "likeness_contents",
    _key("number", _NUMBER, Identity()),
    _col("sha256", LargeBinary, unique=True),
    _maybe("length", BigInteger, comment="bytes"),
    _maybe("type", _TEXT, comment="MIME type as the bag says"),
    _maybe("method", _TEXT, comment="how it was read; absent: not yet"),
    _maybe("kind", _TEXT, comment="'text', 'image' or 'none'"),
    _col("note", _TEXT, server_default="", comment="why nothing could be compared"),
    _col("compared", Boolean, server_default=false(), comment="with all others that were"),
    comment="what was compared with what (likeness.py)",
)
Index("likeness_unread", likeness_contents.c.number, **_where("method IS NULL"))
likeness_members = _table(
    "likeness_members",
    _key("collection", _TEXT),
    _key("content", BigInteger),
    _col("path", _TEXT, comment="one of its paths"),
    _col("files", BigInteger, comment="with this content, in the newest version that has it"),
    _col("first", BigInteger, comment="the first and the last version that have it"),
    _col("last", BigInteger),
    comment="the collections that have a content; a figure for people, and who may see it",
)
Index("likeness_members_by_content", likeness_members.c.content)
likeness_bags = _table(
    "likeness_bags",
    _key("seal", LargeBinary),
    comment="bags whose payload likeness_members knows",
)
likeness_boilerplate = _table(
    "likeness_boilerplate",
    _key("collection", _TEXT),
    _col("documents", BigInteger, comment="of the collection, when it was found"),
    _col("shingles", LargeBinary),
    comment="what many documents of a collection share (strongroom.likeness.boilerplate)",
)
likeness_pairs = _table(
    "likeness_pairs",
    _key("a", BigInteger),
    _key("b", BigInteger),
    _col("kind", _TEXT),
    _col("jaccard", Double),
    _col("a_in_b", Double),
    _col("b_in_a", Double),
    _col("differs", _TEXT, comment="what b has that a has not, in words"),
    _col("turned", _TEXT, comment="and what a has that b has not"),
    comment="a < b",
)
Index("likeness_pairs_by_b", likeness_pairs.c.b)
runs = _table(
    "runs",
    _key("number", _NUMBER, Identity()),
    _col("job", _TEXT, comment="archive, audit, …"),
    _col("collection", _TEXT, comment="'' for all, or several"),
    _col("store", _TEXT, comment="URL; '' for all, or those of the collection"),
    _col("started", _TEXT),
    _maybe("ended", _TEXT, comment="absent: under way, or cut off"),
    _col("outcome", _TEXT),
    _maybe("exit_status", BigInteger),
    _col("summary", _TEXT, comment="JSON"),
    comment="jobs of this installation (runs.py)",
)
Index("runs_by_job", runs.c.job, runs.c.collection, runs.c.number)
Index("runs_by_start", runs.c.started)


def statements(dialect: str) -> str:
    """What makes all the tables in "sqlite" or "postgresql", each statement ended by ";" and a line feed."""
    made: list[str] = []
    spoken = {"sqlite": sqlite, "postgresql": postgresql}[dialect].dialect()
    engine = create_mock_engine(f"{dialect}://", lambda one, *_, **__: made.append(str(one.compile(dialect=spoken)).strip()))
    METADATA.create_all(engine, checkfirst=False)
    # The indexes of a table come in any order.
    parts = [sorted(part) if is_index else list(part) for is_index, part in groupby(made, lambda one: one.startswith("CREATE INDEX"))]
    return "".join("\n".join(line.rstrip() for line in one.replace("\t", "  ").splitlines()) + ";\n" for part in parts for one in part)


if __name__ == "__main__":
    for dialect in ("sqlite", "postgresql"):
        Path(__file__).with_name("made").joinpath(f"{dialect}.sql").write_text(statements(dialect), encoding="utf-8")
