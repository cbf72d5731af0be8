"""Keys for tests: real ones, made cheaply."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from strongroom.signing import Keyring, PublicKey, passphrase, secret

PASSPHRASE = b"correct horse"


@pytest.fixture
def source(tmp_path: Path) -> passphrase.Source:
    file = tmp_path / "passphrase"
    file.write_bytes(PASSPHRASE + b"\n")
    return passphrase.Source(file)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "home")


@pytest.fixture
def key(keyring: Keyring, source: passphrase.Source) -> PublicKey:
    return keyring.make(source, cost=secret.CHEAP)


@pytest.fixture
def minisign() -> str:
    found = shutil.which("minisign")
    if found is None:
        pytest.skip("needs the command minisign (Debian package minisign): .ci/run has it")
    return found
