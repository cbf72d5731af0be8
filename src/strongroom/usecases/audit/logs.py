"""What each batch of a log must be: by the seals that name it, by what it was before, or by the batch that follows it."""

from __future__ import annotations

from strongroom.usecases.audit.kinds import Kind
from strongroom.usecases.audit.listing import note_absent
from strongroom.usecases.audit.scratch import Scratch


def expect_logs(scratch: Scratch, store_id: str, own: str) -> None:
    """Follow every chain from its head back. Who contradicts whom is settled for the one that another witness confirms.

    A replica may lack the end of a chain, but has no holes in it; a chain that began in this store, or is this installation's `own`,
    must reach as far as the seals say.
    """
    writers = scratch.db.execute("SELECT DISTINCT substr(base, 1, 37) FROM things WHERE kind = ?", (Kind.LOG,)).fetchall()
    for (folder,) in writers:
        _chain(scratch, folder)
    native = {f"log/{own}/"}
    native |= {folder for (folder,) in scratch.rows("SELECT DISTINCT substr(base, 1, 37) FROM logs WHERE store = ?", store_id)}
    ends = "SELECT base, digest FROM wanted w WHERE base LIKE 'log/%' AND NOT EXISTS (SELECT 1 FROM things t WHERE t.base = w.base)"
    for base, digest in scratch.db.execute(ends).fetchall():
        if base[:37] in native:
            note_absent(scratch, base, digest.partition(":")[2], "a seal names it")


def _chain(scratch: Scratch, folder: str) -> None:
    db = scratch.db
    high = db.execute("SELECT max(base) FROM things WHERE base >= ? AND base < ?", (folder, folder + "~")).fetchone()[0]
    claim: str | None = None  # what the batch after this one says this one is
    claimant = ""
    for seq in range(int(high[-17:-5]), 0, -1):
        base = f"{folder}{seq:012d}.json"
        if db.execute("SELECT 1 FROM things WHERE base = ?", (base,)).fetchone() is None:
            note_absent(scratch, base, claim, "the log goes on after it")
            claim = None
            continue
        read = db.execute("SELECT key, found, previous, problem FROM logs WHERE base = ? ORDER BY key DESC", (base,)).fetchall()
        witnesses = {text.partition(":")[2] for (text,) in db.execute("SELECT digest FROM wanted WHERE base = ?", (base,))}
        witnesses |= {text for (text,) in db.execute("SELECT recorded FROM things WHERE base = ? AND recorded IS NOT NULL", (base,))}
        if claim is not None and witnesses and claim not in witnesses:
            db.execute("UPDATE things SET accused = ? WHERE key = ?", (f"names {claim} as the batch before it, which is another", claimant))
        elif claim is not None:
            db.execute("INSERT OR IGNORE INTO wanted (base, digest, seal) VALUES (?, ?, '')", (base, f"sha256:{claim}"))
            witnesses.add(claim)
        claim, claimant = None, ""
        for key, found, previous, problem in read:
            if problem is None and (not witnesses or found in witnesses):
                claim, claimant = previous, key
                break
