"""Store keys: their grammar and the places of everything in a store (docs/format.md, section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId, check_collection_name, check_id, is_reserved_name

MAX_KEY_LENGTH: Final = 900
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,254}\Z")
_GENERATION: Final = re.compile(r"(.+)~([1-9][0-9]{0,5})\Z")
_TOMBSTONE: Final = re.compile(r"withheld/([0-9a-f]{2})/([0-9a-f]{64})/([1-9][0-9]{0,8})\.(json|minisig|bags\.json)\Z")
_SEAL: Final = re.compile(r"bags/([^/]+/v[0-9]+)/seal\.json(~[1-9][0-9]*)?\Z")


@dataclass(frozen=True, slots=True, order=True)
class StoreKey:
    """The name of one object of a store, below the store's root or prefix.

    >>> StoreKey("packs/ab/x.tar").generation(2).text
    'packs/ab/x.tar~2'
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MAX_KEY_LENGTH or not all(map(_is_segment, self.text.split("/"))):
            raise InvalidValueError(f"not a store key: {self.text[:120]!r}")

    def generation(self, number: int) -> StoreKey:
        """The key of generation `number`; 0 is the key itself."""
        return self if number == 0 else StoreKey(f"{self.text}~{number}")

    @property
    def base(self) -> tuple[StoreKey, int]:
        """This key without its generation, and the generation (0 if it has none)."""
        match = _GENERATION.match(self.text)
        return (StoreKey(match[1]), int(match[2])) if match else (self, 0)

    def __str__(self) -> str:
        return self.text


def _is_segment(segment: str) -> bool:
    return _SEGMENT.match(segment) is not None and not segment.endswith(".") and not is_reserved_name(segment)


DESCRIPTION: Final = StoreKey("strongroom.json")
README: Final = StoreKey("README.txt")
RECOVER: Final = StoreKey("recover.py")


def content(digest: Digest) -> StoreKey:
    return StoreKey(f"content/{digest.hex[:2]}/{digest.hex}")


def pieces(digest: Digest) -> StoreKey:
    return StoreKey(f"content/{digest.hex[:2]}/{digest.hex}.pieces")


def pack(digest: Digest) -> StoreKey:
    return StoreKey(f"packs/{digest.hex[:2]}/{digest.hex}.tar")


def zstd_pack(digest: Digest) -> StoreKey:
    return StoreKey(f"packs/{digest.hex[:2]}/{digest.hex}.tar.zst")


def is_bulk(key: StoreKey) -> bool:
    """Whether a pack or a large content lies there, in any generation: what may lie in a cold storage class. Indexes, seals, tag files
    and all else are small, and are read by every audit and rebuild."""
    return parse_pack_key(key) is not None or _CONTENT.match(key.base[0].text) is not None


def pack_index(digest: Digest) -> StoreKey:
    return StoreKey(f"packs/{digest.hex[:2]}/{digest.hex}.jsonl")


#: What holds contents, by kind: a pack, one that is compressed, or a single large content.
_STORED: Final = {"pack": pack, "zstd": zstd_pack, "content": content}
_CONTENT: Final = re.compile(r"content/[0-9a-f]{2}/[0-9a-f]{64}\Z")
_PACK: Final = re.compile(r"packs/[0-9a-f]{2}/([0-9a-f]{64})\.tar(\.zst)?\Z")


def stored(kind: str, digest: Digest) -> StoreKey:
    """The key of a pack or large content of this kind ("pack", "zstd", "content")."""
    return _STORED[kind](digest)


def parse_pack_key(key: StoreKey) -> tuple[str, Digest] | None:
    """Kind and digest of the pack that lies at this key, in any generation; None if it is no key of a pack.

    >>> parse_pack_key(StoreKey("packs/ab/" + "ab" * 32 + ".tar.zst~1"))[0]
    'zstd'
    """
    match = _PACK.match(key.base[0].text)
    return ("zstd" if match[2] else "pack", Digest(match[1])) if match else None


def collection_prefix(name: str) -> str:
    return f"bags/{check_collection_name(name)}/"


def attempt_open(bag: BagId, attempt: str) -> StoreKey:
    return StoreKey(f"bags/{bag}/{check_id(attempt)}/open")


def attempt_closed(bag: BagId, attempt: str) -> StoreKey:
    return StoreKey(f"bags/{bag}/{check_id(attempt)}/closed")


def tag_file(bag: BagId, attempt: str, path: str) -> StoreKey:
    """The key of a tag file, `path` as in the bag ("metadata/technical.jsonl")."""
    return StoreKey(f"bags/{bag}/{check_id(attempt)}/bag/{path}")


def signature(bag: BagId, attempt: str) -> StoreKey:
    return StoreKey(f"bags/{bag}/{check_id(attempt)}/seal.minisig")


def seal(bag: BagId) -> StoreKey:
    return StoreKey(f"bags/{bag}/seal.json")


def placement(bag: BagId) -> StoreKey:
    return StoreKey(f"bags/{bag}/placement.jsonl")


def log_batch(writer: str, seq: int) -> StoreKey:
    return StoreKey(f"log/{check_id(writer)}/{seq:012d}.json")


def tombstone(content: Digest, number: int, part: str = "json") -> StoreKey:
    """The key of a tombstone; `part` "minisig" is its signature, "bags.json" the payload files it was asked for."""
    return StoreKey(f"withheld/{content.hex[:2]}/{content.hex}/{number}.{part}")


def parse_tombstone_key(key: StoreKey) -> tuple[Digest, int, str] | None:
    """Content, number and part of what lies at this key, in any generation; None if it is not of a tombstone."""
    match = _TOMBSTONE.match(key.base[0].text)
    return (Digest(match[2]), int(match[3]), match[4]) if match and match[1] == match[2][:2] else None


def public_key(fingerprint: Digest) -> StoreKey:
    return StoreKey(f"keys/{fingerprint}.pub")


def key_statement(digest: Digest) -> StoreKey:
    """The key of a rotation or revocation, by the SHA-256 of its bytes."""
    return StoreKey(f"keys/statements/{digest}.json")


def key_statement_signature(digest: Digest) -> StoreKey:
    return StoreKey(f"keys/statements/{digest}.minisig")


def parse_seal_key(key: StoreKey) -> BagId | None:
    """The bag whose seal this key holds (in any generation), or None."""
    match = _SEAL.match(key.text)
    return BagId.parse(match[1]) if match else None
