"""Keys for tests: real ones, made cheaply."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.signing import Keyring, PublicKey, passphrase
from tests.fixtures.cost import CHEAP
from tests.signing.site import Vault, make_vault

PASSPHRASE = b"correct horse"


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    with LocalRunner(1, quiet=True) as local:
        yield local


@pytest.fixture
def vault(tmp_path: Path, runner: LocalRunner) -> Iterator[Vault]:
    """A store without bags, and what is to come into it; the passphrase that is used there is forgotten afterwards."""
    yield make_vault(tmp_path / "vault", runner)
    passphrase.use(passphrase.Source())


@pytest.fixture
def source(tmp_path: Path) -> passphrase.Source:
    file = tmp_path / "passphrase"
    file.write_bytes(PASSPHRASE + b"\n")
    file.chmod(0o600)
    return passphrase.Source(file)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "home")


@pytest.fixture
def key(keyring: Keyring, source: passphrase.Source) -> PublicKey:
    return keyring.make(source, cost=CHEAP)


@pytest.fixture
def minisign() -> str:
    found = shutil.which("minisign")
    if found is None:
        pytest.skip("needs the command minisign (Debian package minisign): .ci/run has it")
    return found
