"""Whether the bag before may be named in a seal that is signed: who signs answers for it (docs/format.md, section 10.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.catalogue import BagRow
from strongroom.core.errors import RefusedError
from strongroom.signing import Keyring, Standing
from strongroom.stores.interface import Store
from strongroom.usecases.archive.previous import LastSeal
from strongroom.usecases.signatures.seals import judge_bag
from strongroom.usecases.signatures.store_keys import trust_in

_REMEDY: Final = (
    "Nothing was stored. Run `strongroom audit` to see what is wrong, and `strongroom replicate` or `strongroom repair` to bring the "
    "true one from another store. If you know that things are as they should be, --no-sign makes a bag that answers for nothing, and the "
    "one after it can be signed again"
)


def check_before_signing(last: LastSeal, known: Sequence[BagRow], stores: Sequence[Store], keyring: Keyring) -> None:
    """`known`: the bags of the collection that the catalogue knows, in order; `stores`: those at hand, and what is kept at home.

    Raises RefusedError if the last bag is not the one that is known, or its signature is broken, revoked or gone; StoreUnreachableError.
    """
    latest = known[-1].bag if known else None
    bag = last.seal.bag if last.seal else None
    if latest is not None and (bag is None or bag < latest):
        raise RefusedError(f"{latest} is the last bag that is known here, and its seal is gone: the next bag cannot be signed, for a "
                           f"signature would say that there was none. {_REMEDY}")
    if bag is None or last.digest is None or last.seal is None:
        return
    seals = {row.seal for row in known if row.bag == bag}
    if seals and last.digest not in seals:
        names = ", ".join(sorted(one.hex for one in seals))
        raise RefusedError(f"{bag}: the seal that lies in the stores ({last.digest}) is not the one that is known here ({names}): the next "
                           f"bag cannot be signed, for a signature would answer for it. {_REMEDY}")
    signature, _ = judge_bag(stores, bag, last.digest, lambda store: trust_in(keyring, [store]))
    if signature is None:
        raise RefusedError(f"{bag}: its seal ({last.digest}) is in no store at hand any more, so the next bag cannot be signed. {_REMEDY}")
    if signature.missing or signature.judgement.standing in (Standing.BROKEN, Standing.REVOKED):
        wrong = "gone, though its seal names a signer" if signature.missing else signature.judgement.standing.value
        raise RefusedError(f"{signature.place}: the signature of {bag} is {wrong}: the next bag cannot be signed, for a signature would "
                           f"answer for this one. {_REMEDY}")
