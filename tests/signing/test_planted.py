"""A seal, or a void, that somebody plants beside one that a trusted key signed: who trusts the key reads the true bag, and is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import RefusedError
from strongroom.core.findings import Code
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.export.versions import every_version
from strongroom.usecases.listing import list_bags
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.repair.run import repair
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.show import show
from strongroom.usecases.status.run import status
from tests.fixtures.catalogues import lose
from tests.fixtures.seals import summed
from tests.signing.site import Vault, codes

PLANTED = "f" * 32
ABOUT = {Code.FORKED, Code.SEAL_PASSED_OVER, Code.SEAL_DAMAGED, Code.SIGNATURE_ABSENT, Code.SIGNATURE_BROKEN, Code.TAG_FILE_MISSING}


@pytest.fixture
def vault(vault):
    vault.key()
    assert vault.archive("letters").exit_status == 0
    return vault


def label(store: Path) -> Path:
    return store / "bags/letters/v1"


def plant(store: Path, *, first: bool = False, **members: object) -> tuple[Digest, Digest]:
    """Put another seal beside the true one, or (`first`) in its place with the true one beside it. The digests of the true one and of
    that. Its tag files are those of the true bag, under an attempt of its own; it is not signed, unless `members` say so."""
    seal = label(store) / "seal.json"
    true = seal.read_bytes()
    value = {key: one for key, one in json.loads(true).items() if key != "signer"}
    shutil.copytree(seal.parent / value["attempt"], seal.parent / PLANTED)
    (seal.parent / PLANTED / "seal.minisig").unlink()
    return beside(store, summed({**value, "attempt": PLANTED, **members}), first=first)


def void(store: Path, *, first: bool = False) -> tuple[Digest, Digest]:
    value = {"format": "strongroom-seal/1", "bag": "letters/v1", "attempt": None, "previous": None, "sealed": "2026-01-01T00:00:00Z"}
    return beside(store, summed(value), first=first)


def beside(store: Path, data: bytes, *, first: bool) -> tuple[Digest, Digest]:
    seal = label(store) / "seal.json"
    true = seal.read_bytes()
    if first:
        seal.chmod(0o644)
    (seal if first else seal.with_name("seal.json~1")).write_bytes(data)
    if first:
        seal.with_name("seal.json~1").write_bytes(true)
    return Digest.of(true), Digest.of(data)


def about(report: object) -> set[Code]:
    return codes(report) & ABOUT


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("how", ["unsigned", "void", "stolen signature", "unknown key"])
def test_who_trusts_the_key_has_the_true_bag_and_is_told(vault: Vault, tmp_path: Path, how: str, first: bool) -> None:
    key = vault.keyring.signing_key()
    signer = {"stolen signature": key.fingerprint.hex, "unknown key": "a" * 64}.get(how)
    if how == "void":
        true, other = void(vault.store, first=first)
    else:
        true, other = plant(vault.store, first=first, **({"signer": signer} if signer else {}))
    if how == "stolen signature":
        attempt = next(path for path in label(vault.store).iterdir() if path.is_dir() and path.name != PLANTED)
        shutil.copyfile(attempt / "seal.minisig", label(vault.store) / PLANTED / "seal.minisig")
    told = {Code.SEAL_PASSED_OVER}
    for context in (vault.context, vault.stranger("friend", key)):
        folder = tmp_path / context.home.name
        folder.mkdir()
        source = str(vault.store)
        report = restore(RestoreRequest("letters", folder / "out", version=1, source=source), context, vault.runner)
        assert (report.seal, report.complete, report.exit_status, about(report)) == (true.hex, True, 0, told), report.findings
        shown = show("letters", None, context, source=source)
        assert (shown.seal, shown.signed.standing, about(shown)) == (true.hex, "trusted", told)
        listed = list_bags(context, source=source)
        assert ([one.seal for one in listed.bags], about(listed)) == ([true.hex], told)
        audited = audit(AuditRequest(stores=(source,)), context, vault.runner)
        assert (audited.exit_status, about(audited), audited.stores[0].unsound) == (0, told, ()), audited.findings
        rebuilt = rebuild(RebuildRequest((source,), replace=True), context, vault.runner)
        assert (rebuilt.bags, about(rebuilt)) == (1, told)
        assert [one.seal for one in list_bags(context).bags] == [true.hex]
        assert not about(status(context))
        (target,) = every_version("letters", context, Collector(), source=source)
        assert target.seal == true
    assert other.hex in next(one.message for one in report.findings if one.code is Code.SEAL_PASSED_OVER) or how == "void"


def test_who_trusts_nobody_is_asked(vault: Vault, tmp_path: Path) -> None:
    true, other = plant(vault.store)
    nobody, source = Context(tmp_path / "nobody"), str(vault.store)
    with pytest.raises(RefusedError, match=true.hex):
        restore(RestoreRequest("letters", tmp_path / "out", version=1, source=source), nobody, vault.runner)
    assert Code.FORKED in codes(audit(AuditRequest(stores=(source,)), nobody, vault.runner))
    assert sorted(one.seal for one in list_bags(nobody, source=source).bags) == sorted([true.hex, other.hex])


def test_a_person_may_read_the_other_all_the_same(vault: Vault, tmp_path: Path) -> None:
    _, other = plant(vault.store)
    request = RestoreRequest("letters", tmp_path / "out", version=1, source=str(vault.store), seal=other)
    report = restore(request, vault.context, vault.runner)
    assert (report.seal, report.complete, about(report)) == (other.hex, True, {Code.SEAL_PASSED_OVER, Code.SIGNATURE_ABSENT})


def test_two_that_are_trusted_are_a_fork(vault: Vault, tmp_path: Path) -> None:
    key = vault.keyring.signing_key()
    true, other = plant(vault.store, signer=key.fingerprint.hex)
    signer = vault.keyring.signer()
    assert signer is not None
    data = (label(vault.store) / "seal.json~1").read_bytes()
    (label(vault.store) / PLANTED / "seal.minisig").write_bytes(signer.sign(data, "strongroom seal letters/v1 then"))
    with pytest.raises(RefusedError, match=other.hex):
        restore(RestoreRequest("letters", tmp_path / "out", version=1, source=str(vault.store)), vault.context, vault.runner)
    report = vault.audit()
    assert (report.exit_status, Code.FORKED in codes(report)) == (1, True)
    assert [one.seal for one in list_bags(vault.context).bags] == sorted([true.hex, other.hex])


def test_the_next_bag_follows_the_true_one(vault: Vault) -> None:
    true, _ = plant(vault.store, sealed="2027-01-01T00:00:00Z", state="0" * 64)
    assert vault.archive("letters").outcome == "unchanged"
    vault.write("letters", "c.txt", b"gamma")
    report = vault.archive("letters")
    assert about(report) == {Code.SEAL_PASSED_OVER}
    assert json.loads((vault.store / "bags/letters/v2/seal.json").read_bytes())["previous"]["seal"] == true.hex


def test_a_catalogue_that_took_the_planted_one_for_the_bag_learns_better(vault: Vault, tmp_path: Path) -> None:
    true, other = plant(vault.store)
    seal = label(vault.store) / "seal.json"
    (tmp_path / "true").write_bytes(seal.read_bytes())
    seal.unlink()
    seal.with_name("seal.json~1").rename(seal)
    context = vault.stranger("late", vault.keyring.signing_key())
    rebuild(RebuildRequest((str(vault.store),)), context, vault.runner)
    assert [one.seal for one in list_bags(context).bags] == [other.hex]
    seal.with_name("seal.json~1").write_bytes((tmp_path / "true").read_bytes())
    assert restore(RestoreRequest("letters", tmp_path / "out"), context, vault.runner).seal == true.hex
    assert about(audit(AuditRequest(stores=(str(vault.store),)), context, vault.runner)) == {Code.SEAL_PASSED_OVER}
    assert [one.seal for one in list_bags(context).bags] == [true.hex]


def test_a_damaged_true_seal_is_healed_from_the_store_that_has_it(vault: Vault, tmp_path: Path) -> None:
    """Repair does not take the planted one for it, which another store has."""
    from tests.replicate.conftest import Place

    place = Place(tmp_path / "place", vault.runner)
    (tmp_path / "place").mkdir()
    shutil.copytree(vault.keyring.folder, place.context.home / "keys")
    for name in ("one", "two", "three"):
        place.add_store(name)
    every = ["one", "two", "three"]
    place.write("letters", "a.txt", b"alpha")
    assert place.archive("letters", every).exit_status == 0
    assert place.replicate("letters", every).exit_status == 0
    true, other = plant(place.folder("two"), first=True)
    seal = label(place.folder("one")) / "seal.json"
    seal.chmod(0o644)
    seal.write_bytes(b"rot")
    lose(place.context.home)
    rebuild(RebuildRequest(tuple(place.stores[name] for name in every)), place.context, vault.runner)
    audit(AuditRequest(), place.context, vault.runner)
    repaired = repair(place.context, vault.runner)
    assert Code.NOT_REPAIRED not in codes(repaired)
    assert Digest.of(seal.with_name("seal.json~1").read_bytes()) == true
    report = place.replicate("letters", every)
    assert (report.exit_status, about(report)) == (0, {Code.SEAL_PASSED_OVER}), report.findings
    for name in ("one", "three"):
        assert other not in {Digest.of(path.read_bytes()) for path in label(place.folder(name)).glob("seal.json*")}


@pytest.mark.parametrize("what", [plant, void])
def test_what_is_planted_in_another_store_is_brought_nowhere(vault: Vault, tmp_path: Path, what) -> None:
    from tests.replicate.conftest import Place

    place = Place(tmp_path / "place", vault.runner)
    (tmp_path / "place").mkdir()
    shutil.copytree(vault.keyring.folder, place.context.home / "keys")
    place.add_store("one")
    place.add_store("two")
    place.write("letters", "a.txt", b"alpha")
    assert place.archive("letters", ["one", "two"]).exit_status == 0
    assert place.replicate("letters", ["one", "two"]).exit_status == 0
    true, _ = what(place.folder("two"), first=True)
    if what is plant:
        (label(place.folder("two")) / "seal.json~1").unlink()
    report = place.replicate("letters", ["one", "two"])
    assert Code.SEAL_PASSED_OVER in codes(report) and Code.FORKED not in codes(report), report.findings
    assert [path.name for path in label(place.folder("one")).glob("seal.json*")] == ["seal.json"]
    assert Digest.of((label(place.folder("two")) / "seal.json~1").read_bytes()) == true
    context = vault.stranger("elsewhere", vault.keyring.signing_key())
    rebuilt = rebuild(RebuildRequest((place.stores["one"], place.stores["two"])), context, vault.runner)
    assert about(rebuilt) == {Code.SEAL_PASSED_OVER}
    assert [one.seal for one in list_bags(context).bags] == [true.hex]
