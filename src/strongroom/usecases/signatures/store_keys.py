"""Public keys, rotations and revocations in stores: bringing ours there, and reading what lies there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.signing import Keyring, PublicKey, Rotation, Signature, Signed, Trust
from strongroom.signing import statements as grammar
from strongroom.stores.generations import parsable, put_or_generation
from strongroom.stores.interface import Store

#: Nothing below keys/ is as long as that: a revocation names one seal a collection.
LIMIT: Final = 64 << 20
_MOST: Final = 10_000  # objects that are read of keys/: nobody has as many
_KEY: Final = re.compile(r"keys/([0-9a-f]{64})\.pub\Z")
_STATEMENT: Final = re.compile(r"keys/statements/([0-9a-f]{64})\.(json|minisig)\Z")


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """What makes sense of keys/: who says it, and whether it is signed, `Trust` finds out."""

    keys: tuple[PublicKey, ...] = ()
    statements: tuple[Signed, ...] = ()


def check_key_object(base: str, data: bytes) -> None:
    """Raises InvalidValueError if these bytes cannot lie at this key below keys/."""
    if (match := _KEY.match(base)) is not None:
        key = PublicKey.parse(data, what=base)
        if key.fingerprint.hex != match[1] or key.file() != data:
            raise InvalidValueError(f"{base}: holds another public key, or is not written as they are")
        return
    if (match := _STATEMENT.match(base)) is None:
        raise InvalidValueError(f"{base}: nothing of that name belongs below keys/")
    if match[2] == "minisig":
        Signature.parse(data, what=base)
        return
    if Digest.of(data).hex != match[1]:
        raise InvalidValueError(f"{base}: does not have the SHA-256 that is its name")
    grammar.parse(data, what=base)


def read_keys(store: Store) -> StoreKeys:
    """The keys and statements of a store; what is damaged is left out, for an audit to say. Raises StoreUnreachableError."""
    found: list[PublicKey] = []
    said: list[Signed] = []
    bases = dict.fromkeys(stat.key.base[0] for stat in islice(store.list("keys/"), _MOST))
    for base in bases:
        if _KEY.match(base.text):
            found += [PublicKey.parse(data, what=base.text) for data in _read(store, base)[:1]]
        elif (match := _STATEMENT.match(base.text)) is not None and match[2] == "json":
            signatures = _read(store, keys.key_statement_signature(Digest(match[1])))
            said += [Signed(data, signature) for data in _read(store, base)[:1] for signature in signatures]
    return StoreKeys(tuple(found), tuple(said))


def trust_in(keyring: Keyring, stores: Iterable[Store]) -> Trust:
    """What this installation believes, with what lies in these stores. Statements that count are kept at home from now on: a store
    from which one is removed does not make it unsaid."""
    trust = keyring.trust()
    for store in stores:
        found = read_keys(store)
        trust = trust.adding(found.keys, found.statements)
    for signed in trust.statements:
        by = trust.find(signed.statement.by)
        if by is not None and trust.is_trusted(by) and signed.holds(by):
            keyring.keep(signed)
    return trust


def publish_keys(store: Store, keyring: Keyring) -> None:
    """Bring our public keys, and what was said of them, to a store. Keys of others that are merely trusted here stay here."""
    trust = keyring.trust()
    ours = {key.fingerprint: key for key in keyring.own()}
    said = [one for one in trust.statements if one.statement.by in ours or _about(one) in ours]
    for one in said:
        if isinstance(one.statement, Rotation):
            ours[one.statement.successor.fingerprint] = one.statement.successor
        if (by := trust.find(one.statement.by)) is not None:
            ours[by.fingerprint] = by
    objects = [(keys.public_key(key.fingerprint), key.file()) for key in ours.values()]
    for one in said:  # the statement last: it is not there without its signature
        objects += [(keys.key_statement_signature(one.digest), one.signature), (keys.key_statement(one.digest), one.data)]
    _put_missing(store, objects)


def copy_keys(sources: Sequence[Store], target: Store) -> None:
    """Bring what lies below keys/ in `sources`, and makes sense, to `target`."""
    for source in sources:
        found = read_keys(source)
        objects = [(keys.public_key(key.fingerprint), key.file()) for key in found.keys]
        for one in found.statements:
            objects += [(keys.key_statement_signature(one.digest), one.signature), (keys.key_statement(one.digest), one.data)]
        _put_missing(target, objects)


def _put_missing(store: Store, objects: Sequence[tuple[StoreKey, bytes]]) -> None:
    there = {stat.key for stat in store.list("keys/")} if objects else set()
    for key, data in objects:
        if key not in there or data not in _read(store, key):
            put_or_generation(store, key, data, Digest.of(data))


def _about(one: Signed) -> Digest:
    says = one.statement
    return says.successor.fingerprint if isinstance(says, Rotation) else says.key


def _read(store: Store, base: StoreKey) -> list[bytes]:
    """Every generation that can lie there, newest first."""

    def parse(data: bytes) -> bytes:
        check_key_object(base.text, data)
        return data

    with suppress(NotFoundInStoreError, DamagedInStoreError):
        return [data for _, data in parsable(store, base, parse, LIMIT)]
    return []


