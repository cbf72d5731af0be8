"""Making, trusting, rotating and revoking keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, StoreError, UsageError
from strongroom.core.events import utc_now
from strongroom.core.ids import BagId
from strongroom.core.seal import Head, Previous
from strongroom.signing import Keyring, PublicKey, Revocation, Rotation, Signature, Signed, Signer, Trust, passphrase
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.signatures.store_keys import publish_keys, trust_in
from strongroom.usecases.withheld.stones import Stone, read_stones


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key as it stands here."""

    key: PublicKey
    label: str
    own: bool  # its private half is here
    signs: bool
    trusted: bool
    revoked: bool
    successor: str | None  # fingerprint

    def to_json(self) -> dict[str, Any]:
        return {
            "fingerprint": self.key.fingerprint.hex, "id": self.key.name, "public": self.key.text, "label": self.label, "own": self.own,
            "signs": self.signs, "trusted": self.trusted, "revoked": self.revoked, "successor": self.successor,
        }


@dataclass(slots=True)
class Published:
    """Stores to which keys and statements were brought, and why others were not reached."""

    stores: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def list_keys(context: Context, stores: Iterable[Store] = ()) -> list[KeyState]:
    """Every key that is trusted here or has its private half here; and those that lie in `stores`."""
    keyring = Keyring(context.home)
    trust = trust_in(keyring, stores)
    labels, own, signs = dict(keyring.trusted()), set(keyring.own()), keyring.signing_key()
    every = sorted(trust.keys | trust.known, key=lambda key: key.fingerprint)
    return [_state(key, labels.get(key, ""), own, signs, trust) for key in every]


def _state(key: PublicKey, label: str, own: set[PublicKey], signs: PublicKey | None, trust: Trust) -> KeyState:
    says = [one.statement for one in trust.statements]
    successors = [one.successor.fingerprint.hex for one in says if isinstance(one, Rotation) and one.by == key.fingerprint]
    return KeyState(key, label, key in own, key == signs, trust.is_trusted(key), bool(trust.revocations(key)),
                    successors[-1] if successors else None)


def new_key(context: Context, *, label: str = "") -> tuple[PublicKey, Published]:
    """A key of this installation. The first signs; a later one is a spare: to rotate to, or to revoke others with."""
    keyring = Keyring(context.home)
    key = keyring.make(passphrase.current(), label=label)
    return key, publish(context)


def trust_key(context: Context, key: PublicKey, *, label: str = "") -> bool:
    """Believe what `key` signs from now on; whether that is new."""
    return Keyring(context.home).trust_key(key, label)


def rotate(context: Context, *, to: str | None = None, label: str = "") -> tuple[PublicKey, PublicKey, Published]:
    """Sign with another key from now on: `to`, a spare, or a new one. The old key says so. Gives old, new, and where it was said."""
    keyring = Keyring(context.home)
    old = keyring.signing_key()
    if old is None:
        raise UsageError("no key signs here yet; `strongroom keys new` makes one")
    signer = _unlocked(keyring, old)
    if to is None:
        new = keyring.make(_other_source(), label=label)
    else:
        new = find_key(keyring, to)
        if new not in keyring.own() or new == old:
            raise UsageError(f"{new.fingerprint}: not a spare key of this installation")
    _state_it(keyring, signer, Rotation(old.fingerprint, new, utc_now()))
    keyring.sign_with(new)
    return old, new, publish(context)


def revoke(
    context: Context, fingerprint: str, *, by: str | None = None, reason: str = "", last: Iterable[BagId] = ()
) -> tuple[Revocation, Published]:
    """Say that a key is not to be believed any more, but for the bags that are known here by now; of a collection in `last`, only for
    those up to that bag.

    Signed by the key `by`; by default the key that signs here, or the key itself where its private half is here. Raises UsageError.
    """
    keyring = Keyring(context.home)
    if not reason.isprintable() or len(reason) > 1000:
        raise UsageError("a reason is one printable line of at most 1,000 characters")
    stores, _ = _open_known(context)
    trust = trust_in(keyring, stores)
    key = find_key(keyring, fingerprint, trust)
    signing = find_key(keyring, by) if by else keyring.signing_key() or key
    if signing not in keyring.own():
        raise UsageError(f"{signing.fingerprint}: its private half is not here, so it cannot sign the revocation; choose another with --by")
    signer = _unlocked(keyring, signing)
    said = {one.digest for one in trust.statements if one.statement.by == key.fingerprint}
    said |= {Digest.of(stone.data) for store in stores for stone in read_stones(store, lambda _: None) if _signed_by(key, stone)}
    seals = _last_seals(context, {bag.name: bag for bag in last})
    says = Revocation(signing.fingerprint, key.fingerprint, _heads(stores), seals, tuple(sorted(said)), reason, utc_now())
    _state_it(keyring, signer, says)
    return says, publish(context)


def find_key(keyring: Keyring, text: str, trust: Trust | None = None) -> PublicKey:
    """The key meant by a fingerprint or the start of one, or minisign's id. Raises UsageError."""
    trust = trust or keyring.trust()
    wanted = text.strip()
    found = [key for key in trust.keys | trust.known
             if (len(wanted) >= 8 and key.fingerprint.hex.startswith(wanted.lower())) or key.name == wanted.upper()]
    if len(found) != 1:
        what = "several keys are" if found else "no key known here is"
        raise UsageError(f"{text}: {what} called that; `strongroom keys list` shows them")
    return found[0]


def find_known(context: Context, text: str, stores: Iterable[Store]) -> PublicKey:
    """`find_key` among the keys that are trusted here, have their private half here, or lie in `stores`."""
    keyring = Keyring(context.home)
    return find_key(keyring, text, trust_in(keyring, stores))


def publish(context: Context) -> Published:
    """Bring our public keys and what is said of them to every known store that answers."""
    done = Published()
    keyring = Keyring(context.home)
    stores, done.failed = _open_known(context)
    for store in stores:
        try:
            publish_keys(store, keyring)
        except StoreError as error:
            done.failed[store.url] = str(error)
        else:
            done.stores.append(store.url)
    return done


def _open_known(context: Context) -> tuple[list[Store], dict[str, str]]:
    known = known_bags(context)
    opened: list[Store] = []
    failed: dict[str, str] = {}
    for row in known.stores:
        try:
            opened.append(open_address(known.address(row.id, row.url), patient=False))
        except (StoreError, InvalidValueError) as error:
            failed[row.url] = str(error)
    return opened, failed


def _signed_by(key: PublicKey, stone: Stone) -> bool:
    """Takedowns must outlive the key that signed them: what is withheld would come back."""
    for data in stone.signatures:
        with suppress(InvalidValueError):
            if Signature.parse(data, what="signature").is_by(key, stone.data):
                return True
    return False


def _heads(stores: Iterable[Store]) -> dict[str, Head]:
    """The furthest head of each log in these stores."""
    heads: dict[str, Head] = {}
    for store in stores:
        with suppress(DamagedInStoreError):  # an audit says so
            for writer, head in log.heads(store).items():
                if writer not in heads or heads[writer].seq < head.seq:
                    heads[writer] = head
    return heads


def _last_seals(context: Context, limits: dict[str, BagId]) -> tuple[Previous, ...]:
    """The last bag of each collection, or the last that its limit allows; of a forked one, each of them."""
    last: dict[str, list[tuple[BagId, Digest]]] = {}
    rows = known_bags(context).rows
    for bag in limits.values():
        if not any(row.bag == bag for row in rows):
            raise UsageError(f"{bag}: no such bag is known here; `strongroom list` shows those that are")
    for row in rows:
        if row.bag > limits.get(row.bag.name, row.bag):
            continue
        found = last.setdefault(row.bag.name, [])
        if found and found[0][0] < row.bag:
            found.clear()
        found.append((row.bag, row.seal))
    return tuple(Previous(bag, seal) for found in last.values() for bag, seal in found)


def _unlocked(keyring: Keyring, key: PublicKey) -> Signer:
    signer = keyring.signer(key=key)
    assert signer is not None
    signer.unlock()  # before anything is made
    return signer


def _other_source() -> passphrase.Source:
    """Where the passphrase of a new key comes from: asked anew at a terminal, the same where it was given otherwise."""
    given = passphrase.current()
    return passphrase.Source() if given.asks else given


def _state_it(keyring: Keyring, signer: Signer, says: Rotation | Revocation) -> None:
    data = says.to_bytes()
    kind = "rotation" if isinstance(says, Rotation) else "revocation"
    keyring.keep(Signed(data, signer.sign(data, f"strongroom key {kind} {says.made}")))


_LOOKS_LIKE_A_KEY: Final = re.compile(r"[A-Za-z0-9+/=]{40,80}")


def read_public(text: str) -> PublicKey:
    """A public key out of a file, or as its 56 characters. Raises UsageError."""
    path = Path(text)
    try:
        if not path.exists() and not _LOOKS_LIKE_A_KEY.fullmatch(text.strip()):
            raise UsageError(f"{text}: there is no such file, and it is no public key either (56 characters of base64)")
        data = path.read_bytes() if path.exists() else text.encode()
    except OSError as error:
        raise UsageError(f"{text}: {error.strerror}") from error
    return PublicKey.parse(data, what=text if path.exists() else "the key given")


