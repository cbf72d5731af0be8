"""Making tombstones."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.events import utc_now
from strongroom.core.ids import BagId
from strongroom.core.tombstone import MAX_FILES, Action, Tombstone, WithheldFiles
from strongroom.signing import Signer
from strongroom.usecases.withheld.stones import Stone, standing_of


def make_stone(
    before: Iterable[Stone], content: Digest, action: Action, reason: str, agents: Sequence[str], files: Sequence[tuple[BagId, str]],
    signer: Signer | None, size: int | None = None,
) -> Stone:
    """The next tombstone of a content. `before`: those it has in any store within reach; it replaces all that stand.

    `files`: the payload files it is asked for. Raises UsageError where the key cannot be unlocked.
    """
    known = list(before)
    number = 1 + max((one.says.number for one in known), default=0)
    previous = tuple(one.digest for one in standing_of(known))
    listed = WithheldFiles(content, uuid.uuid4().hex, tuple(files[:MAX_FILES]), len(files[MAX_FILES:])).to_bytes() if files else None
    bags = None if listed is None else Digest.of(listed)
    says = Tombstone(content, number, previous, action, reason, tuple(agents), bags, utc_now(), size)
    data = says.to_bytes()
    signatures = () if signer is None else (signer.sign(data, f"{action.value} {content.hex}"),)
    return Stone(keys.tombstone(content, number), data, says, signatures, listed)
