"""Signed seals from archive to audit, restore, rebuild and show, in a store, and what tampering with them is called."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.core.findings import Code
from strongroom.core.tombstone import Action
from strongroom.signing import passphrase
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.show import show
from strongroom.usecases.signatures import keys as use
from strongroom.usecases.signatures.store_keys import trust_in
from tests.fixtures.seals import altered
from tests.fixtures.tombstones import read_tombstones, write_tombstone
from tests.signing.site import Vault, codes


@pytest.fixture
def signed(vault):
    vault.key()
    assert vault.archive("letters").exit_status == 0
    return vault


def seal(vault: Vault, version: int = 1) -> Path:
    return vault.store / f"bags/letters/v{version}/seal.json"


def signature(vault: Vault, version: int = 1) -> Path:
    return seal(vault, version).parent / json.loads(seal(vault, version).read_bytes())["attempt"] / "seal.minisig"


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.chmod(0o644)
    path.write_bytes(data.replace(old, new, 1))


def all_say(vault: Vault, context: Context, folder: Path) -> list[set[Code]]:
    """The codes about signatures that restore, show, audit and rebuild find, in this order."""
    folder.mkdir(exist_ok=True)
    restored = restore(RestoreRequest("letters", folder / "out", version=1, source=str(vault.store)), context, vault.runner)
    shown = show("letters", 1, context, source=str(vault.store))
    audited = vault.audit(context.home.name)
    again = Context(folder / "again")
    shutil.copytree(context.home / "keys", again.home / "keys") if (context.home / "keys").exists() else None
    rebuilt = rebuild(RebuildRequest((str(vault.store),)), again, vault.runner)
    about = {code for code in Code if "SIGNATURE" in code.name} | {Code.OBJECT_MISSING}
    return [codes(report) & about for report in (restored, shown, audited, rebuilt)]


def test_minisign_verifies_a_seal(signed, minisign):
    key = signed.keyring.signing_key()
    done = subprocess.run(
        [minisign, "-Vm", seal(signed), "-x", signature(signed), "-p", signed.store / f"keys/{key.fingerprint}.pub"],
        capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert b"strongroom seal letters/v1" in done.stdout
    assert json.loads(seal(signed).read_bytes())["signer"] == key.fingerprint.hex


def test_the_standings(signed, tmp_path):
    key = signed.keyring.signing_key()
    assert all_say(signed, signed.context, tmp_path / "mine") == [set()] * 4
    assert all_say(signed, signed.stranger("friend", key), tmp_path / "friend") == [set()] * 4
    assert all_say(signed, signed.stranger("nobody"), tmp_path / "nobody") == [{Code.SIGNATURE_UNKNOWN_KEY}] * 4
    shown = show("letters", 1, signed.context)
    assert (shown.signed.standing, shown.signed.key) == ("trusted", key.fingerprint.hex)


def test_a_broken_signature(signed, tmp_path):
    seal(signed).chmod(0o644)
    seal(signed).write_bytes(altered(seal(signed).read_bytes(), sealed="2019-01-01T00:00:00Z"))
    found = all_say(signed, signed.stranger("friend", signed.keyring.signing_key()), tmp_path)
    assert found == [{Code.SIGNATURE_BROKEN}] * 4


def test_a_stripped_signature(signed, tmp_path):
    signature(signed).unlink()
    found = all_say(signed, signed.stranger("friend", signed.keyring.signing_key()), tmp_path)
    assert found == [{Code.SIGNATURE_MISSING}, {Code.SIGNATURE_MISSING}, {Code.OBJECT_MISSING}, {Code.SIGNATURE_MISSING}]


def test_unsigned_is_a_note_where_nobody_signs(vault, tmp_path):
    vault.archive("letters")
    assert all_say(vault, vault.context, tmp_path) == [{Code.NO_SEAL_SIGNATURE}] * 4


def test_unsigned_among_signed_is_a_warning_until_a_signed_bag_answers_for_it(signed, tmp_path):
    signed.write("letters", "c.txt", b"gamma")
    assert signed.archive("letters", sign=False).exit_status == 0
    friend = signed.stranger("friend", signed.keyring.signing_key())
    for context in (friend, signed.stranger("nobody")):
        assert Code.SIGNATURE_ABSENT in codes(signed.audit(context.home.name))
        assert Code.SIGNATURE_ABSENT in codes(show("letters", 2, context, source=str(signed.store)))
    signed.write("letters", "d.txt", b"delta")
    assert signed.archive("letters").exit_status == 0
    assert codes(signed.audit("friend")) == {Code.NO_SEAL_SIGNATURE}
    assert codes(show("letters", 2, friend, source=str(signed.store))) == {Code.NO_SEAL_SIGNATURE}


def test_a_revoked_key(signed, tmp_path):
    old = signed.keyring.signing_key()
    friend = signed.stranger("friend", old)
    spare = signed.key()
    signed.keyring.sign_with(spare)
    use.revoke(signed.context, old.fingerprint.hex, reason="stolen")
    signed.keyring.trust_key(spare)
    signed.keyring.sign_with(old)
    # The thief goes on sealing with it.
    thief = signed.root / "thief"
    shutil.copytree(signed.context.home, thief)
    shutil.rmtree(thief / "keys/statements")
    signed.write("letters", "evil.txt", b"evil")
    kept, home = signed.root / "home", signed.root / "home-kept"
    kept.rename(home)
    thief.rename(kept)
    assert signed.archive("letters").bag == "letters/v2"
    kept.rename(thief)
    home.rename(kept)
    passphrase.use(signed.secret_source)
    found = signed.audit()
    assert codes(found) == {Code.SIGNATURE_REVOKED}
    assert all("letters/v2" in one.place for one in found.findings)
    # Who trusts the old key alone knows nothing of the spare that revoked it; who trusts both does.
    assert Code.SIGNATURE_REVOKED not in codes(signed.audit("friend"))
    use.trust_key(friend, spare)
    assert codes(signed.audit("friend")) == {Code.SIGNATURE_REVOKED}
    with pytest.raises(UsageError, match="was revoked"):
        signed.archive("letters")


def test_takedowns_signed_by_a_key_outlive_its_revocation(signed):
    """Else what is withheld would come back."""
    old, store, content = signed.keyring.signing_key(), signed.opened(), Digest.of(b"alpha")
    write_tombstone(store, content, Action.WITHHOLD, "asked for", (), signer=signed.keyring.signer())
    spare = signed.key()
    signed.keyring.sign_with(spare)
    before = read_tombstones(store, trust_in(signed.keyring, [store]))
    use.revoke(signed.context, old.fingerprint.hex)
    assert read_tombstones(store, trust_in(signed.keyring, [store])) == before != []
    write_tombstone(store, content, Action.LIFT, "by a thief", (), signer=signed.keyring.signer(key=old))
    assert len(read_tombstones(store, trust_in(signed.keyring, [store]))) == 1


def test_rotation_is_followed_by_who_trusts_the_old_key(signed):
    old = signed.keyring.signing_key()
    spare = signed.key()
    use.rotate(signed.context, to=spare.fingerprint.hex)
    signed.write("letters", "c.txt", b"gamma")
    assert signed.archive("letters").exit_status == 0
    friend = signed.stranger("friend", old)
    assert codes(signed.audit("friend")) == set()
    assert show("letters", 2, friend, source=str(signed.store)).signed.key == spare.fingerprint.hex


def test_without_a_passphrase_nothing_is_written(signed, monkeypatch):
    from strongroom.signing import keyring

    monkeypatch.setattr(keyring, "_UNLOCKED", {})
    before = {path: path.read_bytes() for path in signed.store.rglob("*") if path.is_file()}
    signed.write("letters", "c.txt", b"gamma")
    wrong = signed.root / "wrong"
    wrong.write_text("another\n")
    wrong.chmod(0o600)
    open_to_all = signed.root / "open"
    open_to_all.write_text("another\n")
    open_to_all.chmod(0o640)
    for source, what in ((passphrase.Source(signed.root / "absent"), "cannot be read"), (passphrase.Source(wrong), "wrong passphrase"),
                         (passphrase.Source(open_to_all), "others can read")):
        passphrase.use(source)
        with pytest.raises(UsageError, match=what):
            signed.archive("letters")
    assert before == {path: path.read_bytes() for path in signed.store.rglob("*") if path.is_file()}


def test_a_replica_has_the_signature_and_the_keys_and_repair_brings_them_back(signed, tmp_path):
    from strongroom.collections.load import load
    from strongroom.usecases.repair.run import repair
    from strongroom.usecases.replicate.run import replicate

    second = tmp_path / "second"
    init_store(str(second))
    manifest = signed.root / "letters.yaml"
    manifest.write_text(f"collection: letters\nsource: {signed.source('letters')}\nstores: ['{signed.store}', '{second}']\n")
    assert replicate([load(manifest)], signed.context, signed.runner).exit_status == 0
    here = {path.relative_to(signed.store): path.read_bytes() for path in signed.store.rglob("*.minisig")}
    here |= {path.relative_to(signed.store): path.read_bytes() for path in signed.store.rglob("*.pub")}
    assert len(here) == 2
    assert all((second / path).read_bytes() == data for path, data in here.items())
    change(signature(signed), b"\nRU", b"\nRV")
    (signed.store / next(path for path in here if path.suffix == ".pub")).unlink()
    assert codes(signed.audit()) >= {Code.SIGNATURE_BROKEN, Code.OBJECT_MISSING}
    assert repair(signed.context, signed.runner).exit_status == 0
    assert Code.SIGNATURE_BROKEN not in codes(signed.audit())
    assert codes(signed.audit("other")) & {Code.SIGNATURE_BROKEN, Code.OBJECT_MISSING} == set()
