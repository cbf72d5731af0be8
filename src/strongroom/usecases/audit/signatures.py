"""Signatures of seals, and what lies below keys/: what an audit says of them (docs/format.md, section 10)."""

from __future__ import annotations

from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding
from strongroom.signing import Standing, Trust
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind
from strongroom.usecases.audit.listing import note_absent
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.signatures.grouping import in_groups
from strongroom.usecases.signatures.store_keys import read_keys

#: Whether another witness than the signature knows the seal: a seal that follows it, or what was read here before.
_KNOWN: Final = (
    "(EXISTS (SELECT 1 FROM wanted w WHERE w.base = 'bags/' || bag || '/seal.json' AND w.digest = 'sha256:' || seals.digest) "
    "OR EXISTS (SELECT 1 FROM things t WHERE t.key = seals.key AND t.recorded = seals.digest))"
)


def expect_signatures(scratch: Scratch, url: str, trust: Trust) -> list[tuple[str, Finding]]:
    """What is said of the signatures, by label. A signature that does not hold accuses itself where another witness knows the seal,
    and the seal too where none does; a seal that is accused so is believed in nothing."""
    db = scratch.db
    found: list[tuple[str, Finding]] = []
    for key, bag, base, said, known in db.execute(
        f"SELECT key, bag, signed_key, said, {_KNOWN} FROM seals WHERE standing = ? AND credible", (Standing.BROKEN.value,),  # noqa: S608
    ).fetchall():
        db.execute("UPDATE things SET accused = ? WHERE base = ?", ("is no signature over the seal as it lies here", base))
        if not known:
            db.execute("UPDATE things SET accused = ? WHERE key = ?", (f"is not what was signed in {base}", key))
            db.execute("UPDATE seals SET credible = 0 WHERE key = ?", (key,))
        found.append((bag, Finding(Code.SIGNATURE_BROKEN, f"{url}: {key}", f"{base}: {said}")))
    for base, signer in db.execute("SELECT signed_key, signer FROM seals WHERE said_code = ?", (Code.SIGNATURE_MISSING.label,)).fetchall():
        note_absent(scratch, base, None, f"its seal says that the key {signer} signed it")
    for bag, said in db.execute("SELECT bag, said FROM seals WHERE said_code = ?", (Code.SIGNATURE_REVOKED.label,)):
        found.append((bag, Finding(Code.SIGNATURE_REVOKED, f"{url}: {bag}", said)))
    return found + in_groups(scratch.db, url, trust)


def expect_keys(scratch: Scratch, store: Store, trust: Trust) -> None:
    """Every key that a seal or a statement names lies here, and every statement has a signature that holds."""
    db = scratch.db
    signers = {signer for (signer,) in db.execute("SELECT DISTINCT signer FROM seals WHERE signer IS NOT NULL AND credible")}
    statements = {one.digest: one.statement for one in read_keys(store).statements}
    signers |= {says.by.hex for says in statements.values()}
    for signer in sorted(signers):
        _expect(scratch, keys.public_key(Digest(signer)).text, "its signatures lie here")
    signed = read_keys(store).statements
    for (base,) in db.execute("SELECT DISTINCT base FROM things WHERE kind = ? AND base LIKE '%.json'", (Kind.KEY,)).fetchall():
        digest = Digest(base.rpartition("/")[2].removesuffix(".json"))
        _expect(scratch, keys.key_statement_signature(digest).text, "its statement is there")
    for (base,) in db.execute("SELECT DISTINCT base FROM things WHERE kind = ? AND base LIKE '%.minisig'", (Kind.KEY,)).fetchall():
        digest = Digest(base.rpartition("/")[2].removesuffix(".minisig"))
        _expect(scratch, keys.key_statement(digest).text, "its signature is there")
        these = [one for one in signed if one.digest == digest]
        by = trust.find(these[0].statement.by) if these else None
        if by is not None and not any(one.holds(by) for one in these):
            db.execute("UPDATE things SET accused = ? WHERE base = ?", ("is no signature over its statement", base))


def _expect(scratch: Scratch, base: str, why: str) -> None:
    if scratch.one("SELECT 1 FROM things WHERE base = ?", base) is None:
        note_absent(scratch, base, None, why)
