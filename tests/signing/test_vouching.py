"""Who signs a bag answers for those before it: so what is before it is looked at first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from strongroom.core.errors import RefusedError
from strongroom.signing import Keyring
from strongroom.usecases.signatures import keys as use
from tests.fixtures.catalogues import lose
from tests.fixtures.seals import altered
from tests.signing.site import Vault


@pytest.fixture
def vault(vault):
    """letters/v1 is not signed, v2 is; something new is there."""
    assert vault.archive("letters").exit_status == 0
    vault.key()
    vault.write("letters", "second.txt", b"second")
    assert vault.archive("letters").bag == "letters/v2"
    vault.write("letters", "third.txt", b"third")
    return vault


def seal(vault: Vault, version: int = 2) -> Path:
    path = vault.store / f"bags/letters/v{version}/seal.json"
    path.chmod(0o644)
    return path


def objects(vault: Vault) -> set[Path]:
    return {path for path in vault.store.rglob("*") if path.is_file() and ".tmp" not in path.parts}


def refused(vault: Vault, why: str) -> None:
    """Nothing is written; without a signature it goes on, and the bag after that is signed again."""
    before = objects(vault)
    with pytest.raises(RefusedError, match=why) as caught:
        vault.archive("letters")
    assert "--no-sign" in str(caught.value) and "repair" in str(caught.value)
    assert objects(vault) == before
    assert vault.archive("letters", sign=False).outcome == "sealed"
    vault.write("letters", "fourth.txt", b"fourth")
    report = vault.archive("letters")
    assert report.outcome == "sealed"
    assert "signer" in json.loads((vault.store / f"bags/{report.bag}/seal.json").read_bytes())


def forget(vault: Vault) -> None:
    lose(vault.context.home)
    shutil.rmtree(vault.context.home / "kept", ignore_errors=True)


def test_what_is_sound_is_followed(vault: Vault) -> None:
    assert vault.archive("letters").bag == "letters/v3"


def test_a_seal_that_is_not_the_one_that_is_known(vault: Vault) -> None:
    seal(vault).write_bytes(altered(seal(vault).read_bytes(), sealed="2019-01-01T00:00:00Z"))
    refused(vault, "is not the one that is known here")


def test_a_seal_that_is_gone(vault: Vault) -> None:
    shutil.rmtree(seal(vault).parent)
    refused(vault, "its seal is gone")


def test_a_broken_signature(vault: Vault) -> None:
    seal(vault).write_bytes(altered(seal(vault).read_bytes(), sealed="2019-01-01T00:00:00Z"))
    forget(vault)
    refused(vault, "signature of letters/v2 is broken")


def test_a_signature_that_was_taken_away(vault: Vault) -> None:
    (seal(vault).parent / json.loads(seal(vault).read_bytes())["attempt"] / "seal.minisig").unlink()
    refused(vault, "is gone, though its seal names a signer")


def test_a_key_that_was_revoked(vault: Vault) -> None:
    """The thief of the first key seals a third bag with it, after it was revoked."""
    old = vault.keyring.signing_key()
    spare = vault.key()
    shutil.copytree(vault.keyring.folder, vault.root / "stolen")
    vault.keyring.sign_with(spare)
    use.revoke(vault.context, old.fingerprint.hex, reason="stolen")
    home, away = vault.context.home, vault.root / "home-away"
    home.rename(away)
    shutil.copytree(vault.root / "stolen", home / "keys")
    assert vault.archive("letters").bag == "letters/v3"
    shutil.rmtree(home)
    away.rename(home)
    vault.write("letters", "third.txt", b"third again")
    refused(vault, "signature of letters/v3 is revoked")


def test_a_key_that_nobody_here_knows_is_followed(vault: Vault, tmp_path: Path) -> None:
    """As when a collection comes to another custodian: their signature is for themselves to judge."""
    shutil.rmtree(vault.context.home)
    vault.key()
    assert vault.archive("letters").bag == "letters/v3"
    assert Keyring(vault.context.home).signing_key() is not None
