"""What of a bag is withheld: it does not leave the house, whether or not its bytes are still in a store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding
from strongroom.signing import Keyring
from strongroom.usecases.context import Context
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.tombstones import Withheld

#: State of a file in a plan whose content is withheld.
LEFT_OUT: Final = 5


class TakenDown:
    """The withheld files of one bag, and `listing`, a file with a line for each. `place` is an empty folder of this bag's own.

    Every store that holds the bag is asked. Raises StoreUnreachableError: who does not know what is withheld must not go on.
    """

    def __init__(self, bag: SealedBag, context: Context, place: Path) -> None:
        self._withheld = Withheld.load(list(bag.places), Keyring(context.home).trust(), place, bag.collector.add, memory_of(context.home))
        self.listing = place / "withheld.jsonl"
        self.files = 0
        with self.listing.open("wb") as out:
            for entry in bag.manifest() if len(self._withheld) else ():
                if entry.digest in self:
                    self.files += 1
                    out.write(canonical.dumps({"path": entry.path, "sha256": entry.digest.hex}))
                    what = "is left out: it was withheld. The sealed manifests, which go along, still name it"
                    bag.collector.add(Finding(Code.WITHHELD, f"{bag.id}: {entry.path}", what))

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, Digest) and digest.raw in self._withheld

    def leave_out(self, plan: Plan) -> None:
        """Nothing of it is located or read."""
        if not self.files:
            return
        with plan.transaction():
            for content, sha in plan.rows("SELECT id, sha FROM content"):
                if sha in self._withheld:
                    plan.db.execute("UPDATE file SET state = ? WHERE content = ?", (LEFT_OUT, content))
                    plan.db.execute("UPDATE content SET done = 1 WHERE id = ?", (content,))

    def close(self) -> None:
        self._withheld.close()
