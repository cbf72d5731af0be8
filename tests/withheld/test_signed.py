"""Tombstones where somebody is trusted: forged, unsigned, by a stranger, by a key that was revoked; and where the home is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.tombstone import Action
from strongroom.signing import Keyring, passphrase
from strongroom.stores.file import FileStore
from strongroom.usecases.context import Context
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.signatures.keys import revoke
from strongroom.usecases.withheld.stones import put_stone, read_stones
from strongroom.usecases.withheld.writing import make_stone
from tests.fixtures.cost import CHEAP
from tests.withheld.site import HEX, PAGE, codes, everything, tombstones


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "passphrase"
    file.write_bytes(b"a passphrase of tests\n")
    file.chmod(0o600)
    passphrase.use(passphrase.Source(file))
    yield passphrase.Source(file)
    passphrase.use(passphrase.Source())


def make_key(home, source):
    return Keyring(home).make(source, cost=CHEAP)


def forge(site, *, signer=None, action=Action.WITHHOLD, before=(), damage=False):
    """Somebody who can write to the store, and does."""
    stone = make_stone(before, Digest(HEX), action, "because I say so", ("mallory",), (), signer)
    store = FileStore(str(site.store("one")))
    put_stone(store, stone)
    if damage:
        path = site.store("one") / keys.tombstone(Digest(HEX), stone.says.number, "minisig").text
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"withhold ", b"withheld "))


def test_signed_by_us_it_counts(site, source):
    make_key(site.context.home, source)
    site.withhold("news", paths=["people/ana.html"])
    assert (site.store("one") / f"withheld/{HEX[:2]}/{HEX}/1.minisig").exists()
    report = site.restore("news", "out")
    assert (report.withheld, "tombstone-refused" in codes(report)) == (1, False)


@pytest.mark.parametrize("how", ["unsigned", "stranger", "broken"])
def test_a_forged_one_takes_nothing_away(site, source, tmp_path, how):
    make_key(site.context.home, source)
    stranger = Keyring(tmp_path / "stranger")
    make_key(tmp_path / "stranger", source)
    forge(site, signer=None if how == "unsigned" else (stranger if how == "stranger" else Keyring(site.context.home)).signer(source),
          damage=how == "broken")
    report = site.restore("news", "out")
    assert (report.withheld, report.written, report.exit_status) == (0, 6, 1)
    assert "tombstone-refused" in codes(report)
    assert (site.root / f"{report.result}/data/people/ana.html").read_bytes() == PAGE
    site.write("news", "more.html", b"more")
    made = site.archive("news")
    assert (made.outcome, made.excluded) == ("sealed", {})
    site.replicate("news")
    assert tombstones(site.store("two")) == []  # nor does it spread


def test_a_forged_lift_gives_nothing_out(site, source):
    make_key(site.context.home, source)
    site.withhold("news", paths=["people/ana.html"])
    forge(site, action=Action.LIFT, before=list(read_stones(FileStore(str(site.store("one"))), print)))
    report = site.restore("news", "out")
    assert report.withheld == 1
    assert PAGE not in everything(Path(report.result))


def test_where_nobody_is_trusted_unsigned_ones_count(site):
    forge(site)
    assert site.restore("news", "out").withheld == 1


def test_a_revoked_key_signs_no_more_and_what_it_signed_before_holds(site, source):
    home = site.context.home
    key = make_key(home, source)
    site.withhold("news", paths=["people/ana.html"])
    signer = Keyring(home).signer(source)
    spare = make_key(home, source)
    Keyring(home).sign_with(spare)
    revoke(site.context, key.fingerprint.hex, reason="stolen")
    assert site.restore("news", "out").withheld == 1
    stone = make_stone((), Digest.of(b"<p>news 1"), Action.WITHHOLD, "by the thief", (), (), signer)
    put_stone(FileStore(str(site.store("one"))), stone)
    report = site.restore("news", "again")
    assert (report.withheld, "tombstone-refused" in codes(report)) == (1, True)


def test_a_damaged_one_is_named_by_the_audit(site):
    site.withhold("news", paths=["people/ana.html"])
    assert site.audit().exit_status == 0
    path = site.store("one") / f"withheld/{HEX[:2]}/{HEX}/1.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"withhold", b"withhald"))
    report = site.audit()
    assert report.exit_status == 1
    assert any(path.name in finding.place and HEX in finding.place for finding in report.findings)
    assert site.restore("news", "out").withheld == 1  # it is kept at home as well


def test_home_learns_them_again(site):
    site.withhold("news", paths=["people/ana.html"])
    shutil.rmtree(site.context.home)
    rebuild(RebuildRequest((f"file://{site.store('one')}",)), site.context, site.runner)
    shutil.rmtree(site.store("one") / "withheld")  # and whoever takes them from the store does not bring the page back
    assert site.restore("news", "out").withheld == 1
    assert Context(site.context.home).has_catalogue()
