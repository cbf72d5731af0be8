"""Our signatures and keys against minisign itself, both ways."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest

from strongroom.core.errors import InvalidValueError, UsageError
from strongroom.signing import Keyring, PublicKey, Signature, passphrase, secret
from tests.signing.conftest import PASSPHRASE


def run(*command: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)


def test_minisign_verifies_ours(minisign: str, keyring: Keyring, source: passphrase.Source, key: PublicKey, tmp_path: Path) -> None:
    signer = keyring.signer(source)
    assert signer is not None
    (tmp_path / "m").write_bytes(b"a seal\n")
    (tmp_path / "m.minisig").write_bytes(signer.sign(b"a seal\n", "seal of site/v1"))
    (tmp_path / "k.pub").write_bytes(key.file())
    done = run(minisign, "-Vm", tmp_path / "m", "-p", tmp_path / "k.pub")
    assert done.returncode == 0, done.stderr
    assert b"Trusted comment: seal of site/v1" in done.stdout
    assert run(minisign, "-Vm", tmp_path / "m", "-P", key.text).returncode == 0
    (tmp_path / "m").write_bytes(b"a seaL\n")
    assert run(minisign, "-Vm", tmp_path / "m", "-P", key.text).returncode == 1


@pytest.mark.parametrize("legacy", [False, True])
def test_minisign_signs_with_our_key_file(
    minisign: str, keyring: Keyring, key: PublicKey, tmp_path: Path, legacy: bool
) -> None:
    file = keyring.folder / f"{key.fingerprint}.key"
    (tmp_path / "m").write_bytes(b"a seal\n")
    how = ["-l"] if legacy else []
    done = run(minisign, "-S", *how, "-s", file, "-m", tmp_path / "m", "-x", tmp_path / "s", given=PASSPHRASE + b"\n")
    assert done.returncode == 0, done.stderr
    signature = Signature.parse((tmp_path / "s").read_bytes(), what="s")
    assert signature.algorithm == (b"Ed" if legacy else b"ED")
    assert signature.is_by(key, b"a seal\n")
    assert not signature.is_by(key, b"a seal")
    assert signature.to_bytes() == (tmp_path / "s").read_bytes()


@pytest.mark.slow
def test_we_sign_with_a_key_of_minisign(minisign: str, tmp_path: Path) -> None:
    """With minisign's own parameters: 1 GiB for some seconds."""
    public, private = tmp_path / "k.pub", tmp_path / "k.key"
    assert run(minisign, "-G", "-p", public, "-s", private, given=b"pass\npass\n").returncode == 0
    with pytest.raises(UsageError, match="wrong passphrase"):
        secret.unlock(private.read_bytes(), b"Pass", what="k")
    signer = secret.unlock(private.read_bytes(), b"pass", what="k")
    assert signer.key.file() == public.read_bytes()
    (tmp_path / "m").write_bytes(b"")
    (tmp_path / "m.minisig").write_bytes(signer.sign(b""))
    assert run(minisign, "-Vm", tmp_path / "m", "-p", public).returncode == 0


def test_every_changed_byte_of_what_is_signed_is_noticed(keyring: Keyring, source: passphrase.Source, key: PublicKey) -> None:
    signer = keyring.signer(source)
    assert signer is not None
    data = signer.sign(b"message", "comment")
    start = data.index(b"\n") + 1
    for position in range(start, len(data)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(data)
            changed[position] ^= flip
            try:
                good = Signature.parse(bytes(changed), what="s").is_by(key, b"message")
            except InvalidValueError:
                good = False
            assert not good, (position, flip)


def test_a_private_key_cannot_leave_or_be_shown(keyring: Keyring, source: passphrase.Source, key: PublicKey) -> None:
    signer = keyring.signer(source)
    assert signer is not None
    with pytest.raises(TypeError):
        pickle.dumps(signer.unlock())
    assert PASSPHRASE.decode() not in repr(signer) + repr(source)
    assert (keyring.folder / f"{key.fingerprint}.key").stat().st_mode & 0o777 == 0o600
    assert keyring.folder.stat().st_mode & 0o777 == 0o700
