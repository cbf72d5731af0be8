"""The keys of this installation, below STRONGROOM_HOME/keys: private ones, trusted ones, and what is known of rotations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, UsageError
from strongroom.durable import cannot_write, sync_folder
from strongroom.signing import passphrase, secret
from strongroom.signing.minisign import UNTRUSTED, PublicKey
from strongroom.signing.statements import Signed
from strongroom.signing.trust import Trust

#: Keys this process has unlocked, by file: scrypt takes seconds and a gigabyte, once.
_UNLOCKED: Final[dict[Path, secret.Signer]] = {}


@dataclass(slots=True)
class Signer:
    """A private key of this installation. Its passphrase is at hand; it is decrypted when first used, or told to."""

    key: PublicKey
    keyring: Keyring
    source: passphrase.Source

    @property
    def file(self) -> Path:
        return self.keyring.private(self.key.fingerprint)

    def unlock(self) -> secret.Signer:
        """Raises UsageError (wrong passphrase), InvalidValueError (damaged key file)."""
        signer = _UNLOCKED.get(self.file)
        if signer is None:
            try:
                signer = secret.unlock(self.file.read_bytes(), self.source.get(str(self)), what=str(self.file))
            except OSError as error:
                raise UsageError(f"{self.file}: the private key cannot be read: {error.strerror}") from error
            except UsageError:
                self.source.forget()
                raise
            if signer.key != self.key:
                raise InvalidValueError(f"{self.file}: holds another key, {signer.key.fingerprint}")
            _UNLOCKED[self.file] = signer
        return signer

    def sign(self, message: bytes, comment: str = "") -> bytes:
        """A minisign signature over `message`, with a trusted comment."""
        return self.unlock().sign(message, comment)

    def __str__(self) -> str:
        return f"key {self.key.name}"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Files below `home`/keys: FINGERPRINT.key (private, encrypted, mode 0600), trusted/FINGERPRINT.pub, statements/HEX.json with
    HEX.minisig, and `signing`, which names the key that signs."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "keys"

    # -- private keys

    def make(self, source: passphrase.Source, *, label: str = "", cost: secret.Cost = secret.SENSITIVE) -> PublicKey:
        """A new private key, trusted here. The first one signs, and the first after that was revoked. Raises UsageError."""
        signer, file = secret.make(source.get("the new key", twice=True), cost)
        path = self.private(signer.key.fingerprint)
        self._create(path, file)
        _UNLOCKED[path] = signer
        self.trust_key(signer.key, label)
        signing = self.signing_key()
        if signing is None or self.trust().revocations(signing):
            self.sign_with(signer.key)
        return signer.key

    def own(self) -> list[PublicKey]:
        """The keys whose private half is here."""
        return [key for key, _ in self.trusted() if self.private(key.fingerprint).exists()]

    def signing_key(self) -> PublicKey | None:
        """The key that signs; None if none was ever set. Raises UsageError if one is named that is not here."""
        try:
            named = Digest((self.folder / "signing").read_text().strip())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.folder / 'signing'}: does not name the key that signs: {error}") from error
        key = {one.fingerprint: one for one, _ in self.trusted()}.get(named)
        if key is None or not self.private(named).exists():
            raise UsageError(f"{self.folder}: the key that signs, {named}, is not here; copy it back, or name another in `signing`")
        return key

    def sign_with(self, key: PublicKey) -> None:
        """Sign with `key` from now on."""
        if not self.private(key.fingerprint).exists():
            raise UsageError(f"{self.private(key.fingerprint)}: no such private key")
        self._replace(self.folder / "signing", f"{key.fingerprint}\n".encode())

    def signer(self, source: passphrase.Source | None = None, key: PublicKey | None = None) -> Signer | None:
        """The key that signs (or `key`), with its passphrase at hand but not decrypted yet; None if no key was ever set.

        Raises UsageError if the key was revoked, or no passphrase can be had: before anything is done.
        """
        chosen = key or self.signing_key()
        if chosen is None:
            return None
        if key is None and self.trust().revocations(chosen):
            raise UsageError(f"the key that signs, {chosen.fingerprint}, was revoked; `strongroom keys new` makes another that signs")
        signer = Signer(chosen, self, source or passphrase.current())
        if signer.file not in _UNLOCKED:
            signer.source.get(str(signer))
        return signer

    # -- trust

    def trusted(self) -> Iterator[tuple[PublicKey, str]]:
        """The keys a person said to trust, with their labels. Raises InvalidValueError for a file that is damaged."""
        for path in sorted((self.folder / "trusted").glob("*.pub")):
            data = path.read_bytes()
            key = PublicKey.parse(data, what=str(path))
            if path.stem != key.fingerprint.hex:
                raise InvalidValueError(f"{path}: holds another key than its name says; remove it, and trust the right one again")
            yield key, data.decode("utf-8", "replace").split("\n")[0].removeprefix(UNTRUSTED)

    def trust_key(self, key: PublicKey, label: str = "") -> bool:
        """Trust `key` from now on; whether that is new. The label is this installation's own word for it."""
        if not label.isprintable() or len(label) > 200:
            raise UsageError("a label is one printable line of at most 200 characters")
        path = self.folder / "trusted" / f"{key.fingerprint}.pub"
        if path.exists():
            return False
        self._create(path, f"{UNTRUSTED}{label or f'minisign public key {key.name}'}\n{key.text}\n".encode())
        return True

    def statements(self) -> list[Signed]:
        """The rotations and revocations kept here."""
        found = []
        for path in sorted((self.folder / "statements").glob("*.json")):
            data = path.read_bytes()
            signature = path.with_suffix(".minisig")
            if Digest.of(data).hex == path.stem and signature.exists():
                found.append(Signed(data, signature.read_bytes()))
        return found

    def keep(self, signed: Signed) -> None:
        """Keep a statement: a store from which it is removed does not make it unsaid."""
        path = self.folder / "statements" / f"{signed.digest}.json"
        for at, data in ((path.with_suffix(".minisig"), signed.signature), (path, signed.data)):
            with suppress(FileExistsError):
                self._create(at, data)

    def trust(self) -> Trust:
        """What this installation believes."""
        return Trust(frozenset(key for key, _ in self.trusted()), frozenset(), tuple(self.statements()))

    # -- files

    def private(self, fingerprint: Digest) -> Path:
        """Where a private key is kept, encrypted."""
        return self.folder / f"{fingerprint}.key"

    def _create(self, path: Path, data: bytes) -> None:
        """Create-only, whole or not at all, for this user alone. Raises FileExistsError, UsageError."""
        temporary = self._temporary(path, data)
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()
        sync_folder(path.parent)

    def _replace(self, path: Path, data: bytes) -> None:
        self._temporary(path, data).replace(path)
        sync_folder(path.parent)

    def _temporary(self, path: Path, data: bytes) -> Path:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileNotFoundError):
                temporary.unlink()
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_write(f"STRONGROOM_HOME ({self.home})", error) from error
        return temporary
