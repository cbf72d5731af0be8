"""Which bytes can be the signature of a seal, for copying and healing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, StoreUnreachableError
from strongroom.core.seal import Seal
from strongroom.signing import PublicKey, Signature
from strongroom.stores.generations import parsable
from strongroom.stores.interface import Store

_LIMIT = 1 << 16


def signature_check(stores: Sequence[Store], seal: Seal, data: bytes) -> Callable[[bytes], bool]:
    """Whether some bytes are a signature over `data`, the bytes of `seal`: verified where the key that the seal names lies in a store."""
    key = None if seal.signer is None else _find(stores, seal.signer)

    def good(signature: bytes) -> bool:
        try:
            parsed = Signature.parse(signature, what="signature")
        except InvalidValueError:
            return False
        return key is None or parsed.is_by(key, data)

    return good


def _find(stores: Sequence[Store], fingerprint: Digest) -> PublicKey | None:
    def parse(data: bytes) -> PublicKey:
        key = PublicKey.parse(data, what="public key")
        if key.fingerprint != fingerprint:
            raise InvalidValueError("another key")
        return key

    for store in stores:
        try:
            found = parsable(store, keys.public_key(fingerprint), parse, _LIMIT)
        except (NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
            continue
        if found:
            return found[0][1]
    return None
