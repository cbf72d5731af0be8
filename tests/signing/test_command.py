"""`strongroom keys`, as it is typed. With minisign's cost of a passphrase, so as seldom as possible."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from strongroom.cli.main import main
from strongroom.collections.schemas import load_schema
from strongroom.signing import keyring, passphrase
from tests.fixtures.cost import CHEAP


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(keyring.Keyring.make, "__kwdefaults__", {"label": "", "cost": CHEAP})
    (tmp_path / "pass").write_text("a passphrase\n")
    (tmp_path / "pass").chmod(0o600)
    yield tmp_path
    passphrase.use(passphrase.Source())


def run(capfd, *arguments: object, status: int = 0) -> dict:
    capfd.readouterr()
    assert main([*map(str, arguments), "--json"]) == status, capfd.readouterr().err
    document = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, load_schema("keys-report"))
    return document


def test_from_a_new_key_to_a_revoked_one(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = home / "store"
    assert main(["store", "init", str(store)]) == 0
    (home / "source").mkdir()
    (home / "source/a").write_text("a")
    (home / "site.yaml").write_text(f"collection: site\nsource: {home / 'source'}\nstores: ['{store}']\n")
    given = ("--passphrase-file", home / "pass")
    quiet = ("--quiet", "--no-prefect", "--workers", "1")
    first = run(capfd, "keys", "new", "--label", "ours", *given)["keys"][0]
    assert first["signs"] and first["trusted"] and first["label"] == "ours"
    assert main(["archive", str(home / "site.yaml"), *quiet, *map(str, given)]) == 0
    spare = run(capfd, "keys", "new", *given)["keys"][0]
    assert not spare["signs"]
    rotated = run(capfd, "keys", "rotate", "--to", spare["fingerprint"], *given)
    assert rotated["stores"] == [store.as_uri()]
    states = {one["fingerprint"]: one for one in run(capfd, "keys", "list")["keys"]}
    assert states[first["fingerprint"]]["successor"] == spare["fingerprint"] and states[spare["fingerprint"]]["signs"]
    revoked = run(capfd, "keys", "revoke", first["fingerprint"], "--reason", "lost", *given)["keys"][0]
    assert revoked["revoked"]
    assert main(["audit", *quiet]) == 0
    assert main(["keys", "export", first["fingerprint"]]) == 0
    assert first["public"] in capfd.readouterr().out


def test_revoking_the_key_that_signs_says_what_follows(home, capfd):
    (home / "source").mkdir()
    (home / "source/a").write_text("a")
    (home / "site.yaml").write_text(f"collection: site\nsource: {home / 'source'}\nstores: ['{home / 'store'}']\n")
    assert main(["store", "init", str(home / "store")]) == 0
    given = ("--passphrase-file", str(home / "pass"))
    first = run(capfd, "keys", "new", *given)["keys"][0]
    spare = run(capfd, "keys", "new", *given)["keys"][0]
    assert main(["keys", "revoke", spare["fingerprint"], *given]) == 0
    assert "signs now" not in capfd.readouterr().out
    assert main(["keys", "revoke", first["fingerprint"], *given]) == 0
    assert "no key signs now, and nothing is archived before `strongroom keys new`" in capfd.readouterr().out
    assert main(["keys", "list"]) == 0
    shown = capfd.readouterr().out
    assert shown.count("revoked, own") == 2 and "signs, " not in shown
    assert main(["archive", str(home / "site.yaml"), "--quiet", "--no-prefect", *given]) == 2
    assert "keys new" in capfd.readouterr().err
    run(capfd, "keys", "new", *given)
    assert main(["archive", str(home / "site.yaml"), "--quiet", "--no-prefect", "--workers", "1", *given]) == 0


def test_trusting_a_file_that_is_not_there_says_so(home, capfd):
    assert main(["keys", "trust", "nofile.pub"]) == 2
    assert "nofile.pub: there is no such file" in capfd.readouterr().err


def test_a_key_is_trusted_by_its_file_or_by_name_out_of_a_store(home, capfd, monkeypatch):
    store = home / "store"
    made = run(capfd, "keys", "new", "--passphrase-file", home / "pass")["keys"][0]
    assert main(["store", "init", str(store)]) == 0
    monkeypatch.setenv("STRONGROOM_HOME", str(home / "another"))
    (lying,) = run(capfd, "keys", "list", "--store", store)["keys"]
    assert lying["fingerprint"] == made["fingerprint"] and not lying["trusted"]
    assert main(["keys", "trust", made["fingerprint"]]) == 2
    (trusted,) = run(capfd, "keys", "trust", made["fingerprint"], "--store", store)["keys"]
    assert trusted["trusted"] and not trusted["own"]
    monkeypatch.setenv("STRONGROOM_HOME", str(home / "third"))
    (by_file,) = run(capfd, "keys", "trust", store / f"keys/{made['fingerprint']}.pub", "--label", "them")["keys"]
    assert by_file["label"] == "them"


@pytest.mark.parametrize("arguments", [("keys", "new"), ("keys", "rotate"), ("keys", "revoke", "0" * 64), ("keys", "export")])
def test_without_a_passphrase_or_a_key_it_is_wrong_usage(home, arguments):
    assert main(list(arguments)) == 2
    assert not (home / "home/keys").exists()
