"""What a store once had and has no more: holes in chains, an older state, bags that are gone. And what it merely lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from strongroom.core import keys
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.plural import plural
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.history.scratch import Scratch
from strongroom.usecases.sealed.seals import read_seals

_ORIGIN: Final = "(SELECT origin FROM batches o WHERE o.writer = {w} AND o.origin IS NOT NULL AND NOT o.altered LIMIT 1)"
_SHOWN: Final = 20  # bags that a finding names


@dataclass(slots=True)
class Losses:
    """One store that was read to its end: `number` and `id`. Whatever is called missing is looked for again first.

    Evidence was read before that second look, so what others learned of the store meanwhile accuses nobody.
    """

    scratch: Scratch
    store: Store
    number: int
    id: str
    names: dict[int, str]
    say: Callable[[Finding], None]
    gone: list[str] = field(default_factory=list)  # what proves an older state, in words
    cut: dict[str, int] = field(default_factory=dict)  # by writer: the last batch there is, of chains that lack their end
    accused: bool = False  # of a bag that is gone or was changed
    bags: list[str] = field(default_factory=list)  # NAME/vN that went with the older state

    def judge(self) -> None:
        """Raises StoreUnreachableError."""
        self._holes()
        self._ends()
        self._bags()
        if self.gone or self.bags:
            self._say_rolled_back()
        elif not self.accused:
            self._say_behind()

    # -- chains

    def _holes(self) -> None:
        sql = "SELECT DISTINCT writer, seq FROM batches WHERE store = ? ORDER BY writer, seq"
        before: tuple[str, int] = ("", 0)
        for writer, seq in self.scratch.rows(sql, self.number):
            expected = before[1] + 1 if writer == before[0] else 1
            before = (writer, seq)
            if seq > expected and (missing := [one for one in range(expected, seq) if not self._is_there(writer, one)]):
                what = f"batch {missing[0]}" if len(missing) == 1 else f"batches {missing[0]} to {missing[-1]}"
                have = self._holders(writer, missing[0])
                self.say(Finding(
                    Code.LOG_HOLE, f"{self._name}: {keys.log_batch(writer, missing[0])}", f"{what} of this log missing, though later ones "
                    f"are there: removed or lost{f'; {have} has what is missing' if have else ''}. `strongroom audit`, then "
                    "`strongroom repair`, brings back what another store has"))

    def _is_there(self, writer: str, seq: int) -> bool:
        return bool(generations(self.store, keys.log_batch(writer, seq)))

    def _ends(self) -> None:
        """Chains that reached further, by what others know of chains that began here, and by seals that were made here."""
        for writer, seq, digest, witness in self.scratch.db.execute(_PROVEN, {"id": self.id}):
            top = self.scratch.one("SELECT max(seq) FROM batches WHERE store = ? AND writer = ?", self.number, writer) or 0
            if seq <= top or self._is_there(writer, seq):
                continue
            first = keys.log_batch(writer, top + 1)
            count = "its last batch" if seq == top + 1 else f"its last {seq - top} batches" if top else f"all {seq} batches"
            have = self._holders(writer, seq)
            self.gone.append(f"the log {first} on lacks {count}: {witness} {'name' if witness.endswith('s') else 'names'} batch {seq} "
                             f"({digest}){f', which lies in {have}' if have else ''}")
            self.cut[writer] = top

    def _holders(self, writer: str, seq: int) -> str:
        sql = "SELECT DISTINCT store FROM batches WHERE writer = ? AND seq = ? AND digest IS NOT NULL AND NOT altered AND store != ?"
        return ", ".join(self.names[store] for (store,) in self.scratch.rows(sql, writer, seq, self.number))

    # -- bags

    def _bags(self) -> None:
        for bag, seal, witness, told in self.scratch.db.execute(_TAKEN, {"id": self.id, "store": self.number}):
            if any(found.digest.hex == seal for found in read_seals(self.store, BagId.parse(bag)).found):
                continue
            there = generations(self.store, keys.seal(BagId.parse(bag)))
            if there and not self._another_bag(bag):
                self.accused = True
                self.say(Finding(Code.SEAL_DAMAGED, f"{self._name}: {there[-1]}", f"{witness} says that this store took {bag} with the "
                                 f"seal {seal}; what lies here is another: altered, or put in its place{self._copies(seal)}"))
            elif told or (not self.cut and witness.startswith("the seal") and self._knows_later(seal)):
                self.accused = True
                self.say(Finding(Code.BAG_REMOVED, f"{self._name}: {bag}", f"was removed with its seal ({seal}): {witness} says that this "
                                 f"store had it{self._copies(seal)}"))
            else:
                self.bags.append(f"{bag} ({seal}; so says {witness}{self._copies(seal)})")

    def _another_bag(self, bag: str) -> bool:
        """Whether what lies under the label is a bag of its own: a fork, not damage."""
        sql = "SELECT 1 FROM seals WHERE store = ? AND bag = ? AND digest IS NOT NULL AND doubtful IS NULL"
        return self.scratch.one(sql, self.number, bag) is not None

    def _knows_later(self, seal: str) -> bool:
        """Whether a chain of this store has gone on after the heads that the seal names: then it is no older state."""
        sql = ("SELECT 1 FROM heads h JOIN batches b ON b.writer = h.writer AND b.store = ? AND b.seq > h.seq AND b.origin = ? "
               "WHERE h.seal = ?")
        return self.scratch.one(sql, self.number, self.id, seal) is not None

    def _copies(self, seal: str) -> str:
        rows = self.scratch.rows("SELECT DISTINCT store FROM seals WHERE digest = ? AND store != ?", seal, self.number)
        found = [self.names[store] for (store,) in rows]
        return f"; {', '.join(found)} has it" if found else "; no store that was asked has it"

    # -- what is said

    @property
    def _name(self) -> str:
        return self.names[self.number]

    def _say_rolled_back(self) -> None:
        shown = ", ".join(self.bags[:_SHOWN]) + (f" and {len(self.bags) - _SHOWN} more" if len(self.bags) > _SHOWN else "")
        what = [*self.gone, *([f"it lacks bags that it had: {shown}"] if self.bags else [])]
        if not self.bags and self._tells_of_bags_there():
            meaning = "the end of its log was cut off: bags of that time are there"
        else:
            meaning = "this store was put back to an older state (a backup restored, a snapshot rolled back, an older copy of a disk)"
        self.say(Finding(Code.STORE_ROLLED_BACK, self._name, f"{meaning}. {'; '.join(what)}"))

    def _tells_of_bags_there(self) -> bool:
        """Whether a batch that is gone here tells of a bag that is not."""
        for writer, top in self.cut.items():
            sql = ("SELECT 1 FROM batches b JOIN takings t ON t.batch = b.digest AND t.holder = ? JOIN seals s ON s.store = ? "
                   "AND s.digest = t.seal WHERE b.writer = ? AND b.seq > ?")
            if self.scratch.one(sql, self.id, self.number, writer, top):
                return True
        return False

    def _say_behind(self) -> None:
        bags = self.scratch.one(
            "SELECT count(DISTINCT digest) FROM seals s WHERE attempt IS NOT NULL AND doubtful IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM seals o WHERE o.store = ?1 AND o.digest = s.digest) AND EXISTS "
            "(SELECT 1 FROM seals o WHERE o.store = ?1 AND substr(o.bag, 1, instr(o.bag, '/')) = substr(s.bag, 1, instr(s.bag, '/')))",
            self.number)
        batches = sum(self._lacking())
        if bags or batches:
            lacks = [f"{plural(bags, 'bag')} of its collections"] * bool(bags)
            lacks += [f"{plural(batches, 'batch')} of other stores' logs"] * bool(batches)
            self.say(Finding(
                Code.STORE_BEHIND, self._name, f"lacks {' and '.join(lacks)} that other stores have."
                " Nothing says that it ever had them: `strongroom replicate` brings them"))

    def _lacking(self) -> Iterator[int]:
        """How many batches the end of each chain lacks, up to the first that tells of a collection that is not kept here."""
        here = {bag.partition("/")[0] for (bag,) in self.scratch.rows("SELECT DISTINCT bag FROM seals WHERE store = ?", self.number)}
        for (writer,) in self.scratch.db.execute("SELECT DISTINCT writer FROM batches").fetchall():
            top = self.scratch.one("SELECT max(seq) FROM batches WHERE store = ? AND writer = ?", self.number, writer) or 0
            count, last = 0, top
            sql = "SELECT seq, names FROM batches WHERE writer = ? AND seq > ? AND digest IS NOT NULL ORDER BY seq"
            for seq, names in self.scratch.rows(sql, writer, top):
                if not set(names.split()) <= here:
                    break
                count, last = count + (seq != last), seq
            yield count


#: By writer, the highest batch that the store `:id` is proven to have had: the number, its digest, who says so.
_PROVEN: Final = f"""
SELECT writer, max(seq), digest, witness FROM (
  SELECT writer, seq, digest, 'the copies of its own log in other stores' AS witness FROM batches
    WHERE origin = :id AND digest IS NOT NULL AND NOT altered
  UNION ALL SELECT writer, seq, digest, 'the seal of ' || bag FROM heads h
    WHERE (made = :id OR {_ORIGIN.format(w='h.writer')} = :id)
    AND EXISTS (SELECT 1 FROM seals s WHERE s.digest = h.seal AND s.doubtful IS NULL)
  UNION ALL SELECT writer, seq, digest, 'this machine''s catalogue' FROM remembered WHERE holder = :id
) GROUP BY writer ORDER BY writer
"""  # noqa: S608 -- our words

#: Bags that the store `:id` took and that the store numbered `:store` lacks: label, seal, who says so, whether its own log does.
_TAKEN: Final = """
SELECT bag, seal, witness, max(told) FROM (
  SELECT t.bag, t.seal, 'the log (' || b.key || ')' AS witness, b.store = :store AS told FROM takings t
    JOIN batches b ON b.digest = t.batch AND b.origin = :id AND NOT b.altered WHERE t.holder = :id
  UNION ALL SELECT bag, digest, 'the seal of it', 0 FROM seals WHERE made = :id AND doubtful IS NULL
  UNION ALL SELECT bag, seal, 'this machine''s catalogue', 0 FROM remembered_bags WHERE holder = :id
) x WHERE NOT EXISTS (SELECT 1 FROM seals s WHERE s.store = :store AND s.digest = x.seal)
GROUP BY bag, seal ORDER BY bag, seal
"""
