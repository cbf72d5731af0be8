"""What the key of an object says about it (docs/format.md, section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.litter import is_litter


class Kind(StrEnum):
    DESCRIPTION = "store description"
    README = "README"  # README.txt and recover.py: what every store tells people
    SEAL = "seal"
    PLACEMENT = "placement"
    MARK = "attempt mark"  # open, closed
    SIGNATURE = "signature"
    TAG = "tag file"
    CONTENT = "content"
    PIECES = "pieces"
    PACK = "pack"
    INDEX = "pack index"
    LOG = "log batch"
    CHECKS = "audit results"
    KEY = "key"  # a public key, a rotation or revocation, its signature
    TOMBSTONE = "tombstone"  # withheld/: what was taken down, with signatures and lists of files
    RESERVED = "reserved"  # sweep/: nothing is known of them but that they never change
    PROBE = "probe"
    LITTER = "litter"
    UNKNOWN = "unknown"


#: Kinds that are not read: nothing says what they should hold.
NOT_READ: Final = frozenset({Kind.PROBE, Kind.LITTER, Kind.UNKNOWN})
#: Kinds that bags do without: their loss costs time, no byte.
HINTS: Final = frozenset({Kind.PLACEMENT, Kind.PIECES, Kind.INDEX})

_ATTEMPT: Final = r"(?P<attempt>[0-9a-f]{32})"
_HEX: Final = r"(?P<fold>[0-9a-f]{2})/(?P<hex>[0-9a-f]{64})"
_GRAMMAR: Final = [
    (Kind.DESCRIPTION, re.compile(r"strongroom(-[1-9][0-9]{0,8})?\.json\Z")),
    (Kind.README, re.compile(r"(README\.txt|recover\.py)\Z")),
    (Kind.SEAL, re.compile(r"bags/(?P<bag>[^/]+/v[0-9]+)/seal\.json\Z")),
    (Kind.PLACEMENT, re.compile(r"bags/(?P<bag>[^/]+/v[0-9]+)/placement\.jsonl\Z")),
    (Kind.MARK, re.compile(rf"bags/(?P<bag>[^/]+/v[0-9]+)/{_ATTEMPT}/(open|closed)\Z")),
    (Kind.SIGNATURE, re.compile(rf"bags/(?P<bag>[^/]+/v[0-9]+)/{_ATTEMPT}/seal\.minisig\Z")),
    (Kind.TAG, re.compile(rf"bags/(?P<bag>[^/]+/v[0-9]+)/{_ATTEMPT}/bag/.+\Z")),
    (Kind.CONTENT, re.compile(rf"content/{_HEX}\Z")),
    (Kind.PIECES, re.compile(rf"content/{_HEX}\.pieces\Z")),
    (Kind.PACK, re.compile(rf"packs/{_HEX}\.tar(\.zst)?\Z")),
    (Kind.INDEX, re.compile(rf"packs/{_HEX}\.jsonl\Z")),
    (Kind.LOG, re.compile(r"log/[0-9a-f]{32}/[0-9]{12}\.json\Z")),
    (Kind.CHECKS, re.compile(r"checks/[0-9]{12}/[0-9a-f]{32}-[0-9]{4}\.json\Z")),
    (Kind.KEY, re.compile(r"keys/([0-9a-f]{64}\.pub|statements/[0-9a-f]{64}\.(json|minisig))\Z")),
    (Kind.TOMBSTONE, re.compile(r"withheld/[0-9a-f]{2}/[0-9a-f]{64}/[1-9][0-9]{0,8}\.(json|minisig|bags\.json)\Z")),
    (Kind.RESERVED, re.compile(r"sweep/.+\Z")),
    (Kind.PROBE, re.compile(r"probe/.+\Z")),
]


@dataclass(frozen=True, slots=True)
class Named:
    """A key taken apart. `unit` is what is read in one go: a pack with its index, a content with its pieces, the generations of a key."""

    kind: Kind
    base: str  # the key without its generation
    generation: int
    unit: str
    bag: str | None = None  # NAME/vN
    attempt: str | None = None
    digest: Digest | None = None  # of a pack or content, by its name

    @property
    def stored(self) -> tuple[str, Digest] | None:
        """Kind, as the catalogue has it ("pack", "zstd", "content"), and digest of a pack or large content."""
        if self.digest is None or self.kind not in (Kind.PACK, Kind.CONTENT):
            return None
        return "content" if self.kind is Kind.CONTENT else "zstd" if self.base.endswith(".zst") else "pack", self.digest


def name_of(key: StoreKey) -> Named:
    """What the key says.

    >>> name_of(StoreKey("packs/ab/" + "ab" * 32 + ".jsonl~1")).unit[-6:]
    'ab.tar'
    """
    base, generation = key.base
    for kind, grammar in _GRAMMAR:
        match = grammar.match(base.text)
        if match is None:
            continue
        parts = match.groupdict()
        digest = None
        if parts.get("hex"):
            if parts["fold"] != parts["hex"][:2]:
                break
            digest = Digest(parts["hex"])
        if parts.get("bag") and not _is_bag(parts["bag"]):
            break
        return Named(kind, base.text, generation, _unit(kind, base.text), parts.get("bag"), parts.get("attempt"), digest)
    litter = any(is_litter(segment.encode()) for segment in key.text.split("/"))
    return Named(Kind.LITTER if litter else Kind.UNKNOWN, base.text, generation, base.text)


def _is_bag(text: str) -> bool:
    try:
        return str(BagId.parse(text)) == text
    except InvalidValueError:
        return False


def index_of(pack: str) -> str:
    """The key of the index that goes with a pack, whether it is compressed or not.

    >>> index_of("packs/ab/x.tar.zst")
    'packs/ab/x.jsonl'
    """
    return pack.removesuffix(".zst").removesuffix(".tar") + ".jsonl"


def _unit(kind: Kind, base: str) -> str:
    if kind is Kind.INDEX:
        return base.removesuffix(".jsonl") + ".tar"
    if kind is Kind.PACK:
        return base.removesuffix(".zst")
    return base.removesuffix(".pieces") if kind is Kind.PIECES else base
