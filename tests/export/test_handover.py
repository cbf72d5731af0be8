"""A package another institution can check with sha256sum and minisign, and its receipt."""

import errno
import json
import os
import shutil
import subprocess

import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.core.handover import differences, parse_inventory, parse_receipt
from strongroom.runner.local import LocalRunner
from strongroom.signing import Keyring, passphrase
from strongroom.usecases.context import Context
from strongroom.usecases.handover.receipt import take_receipt
from strongroom.usecases.handover.report import HandoverRequest
from strongroom.usecases.handover.run import handover
from strongroom.usecases.handover.telling import keep
from strongroom.usecases.verify import verify
from tests.export.conftest import tree, unpack
from tests.fixtures.cost import CHEAP
from tests.fixtures.runner import left_in


def make_key(home, tmp_path):
    file = tmp_path / "passphrase"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    return Keyring(home).make(passphrase.Source(file=file), cost=CHEAP)


@pytest.fixture
def package(lantern, tmp_path):
    """Two collections, the second with a secret neighbour in the same store that is not handed over."""
    lantern.name, lantern.settings = "maps", ""
    lantern.run()
    lantern.name = "secret"
    lantern.run()
    lantern.name = "site"
    report = handover(HandoverRequest(("site", "maps"), tmp_path / "package"), Context(tmp_path / "home"), lantern.runner)
    assert report.exit_status == 0 and report.result == str(tmp_path / "package")
    return report


def answer(package, tmp_path, edit=None, name="back.json"):
    """The receipt as the receiver sends it back."""
    value = json.loads((tmp_path / "package/receipt.json").read_bytes())
    value |= {"received_by": "The Library", "received": "2026-12-01"}
    for bag in value["bags"]:
        bag["outcome"] = "received"
    if edit is not None:
        edit(value)
    file = tmp_path / name
    file.write_text(json.dumps(value, indent=3))
    return file


def test_the_package_is_complete_and_checks_with_sha256sum_alone(lantern, package, tmp_path):
    root = tmp_path / "package"
    done = subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.split("  ", 1)[1] for line in (root / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(tree(root)) - {"SHA256SUMS", "receipt.json"}
    data = (root / "inventory.json").read_bytes()
    inventory = json.loads(data)
    Draft202012Validator(load_schema("handover")).validate(inventory)
    Draft202012Validator(load_schema("receipt")).validate(json.loads((root / "receipt.json").read_bytes()))
    assert Digest.of(data).hex == package.inventory and [one["bag"] for one in inventory["bags"]] == ["site/v1", "site/v2", "maps/v1"]
    for one in inventory["bags"]:
        bag = unpack(root / one["path"], tmp_path / one["bag"].replace("/", "-"))
        assert bag.name == one["bag"].replace("/", "-") and verify(bag).valid
        name, number = one["bag"].split("/v")
        seal = (root / f"seals/{name}/v{number}/seal.json").read_bytes()
        assert Digest.of(seal).hex == one["seal"]
        assert json.loads(seal)["tag_manifests"]["tagmanifest-sha256.txt"] == Digest.of((bag / "tagmanifest-sha256.txt").read_bytes()).hex
        if one["bag"] == "site/v2":
            assert tree(bag) == lantern.payload(2) | tree(lantern.bag(2))


def test_each_note_is_shown_once(lantern, tmp_path, capsys):
    (lantern.source / "a link").symlink_to("elsewhere")
    lantern.run()
    with LocalRunner(1) as runner:
        handover(HandoverRequest(("site",), tmp_path / "package"), Context(tmp_path / "home"), runner)
    shown = [line for line in capsys.readouterr().err.splitlines() if line.endswith("]")]
    assert shown and len(shown) == len(set(shown))
    assert "--payload-only" not in "".join(shown).replace("`strongroom restore --payload-only`", "")
    assert (tmp_path / "package/README.txt").read_text().startswith("A handover of 3 bags. ")


def test_nothing_of_other_collections_goes_along(package, tmp_path):
    everything = b"".join(data for path, data in tree(tmp_path / "package").items() if not path.startswith("bags/"))
    assert b"secret" not in everything
    events = [json.loads(line)["event"] for line in (tmp_path / "package/events/site.jsonl").read_text().splitlines()]
    assert {"ingestion"} <= {one["eventType"] for one in events}
    assert all(any(one.startswith("site/") for one in event["linkingObjectIdentifier"]) for event in events)


def test_a_receipt_is_held_against_what_was_handed_over(lantern, package, tmp_path):
    context = Context(tmp_path / "home")
    report = take_receipt(answer(package, tmp_path), context, lantern.runner)
    assert report.agrees and report.exit_status == 0 and report.signature == "unsigned"
    assert [one.code.label for one in report.findings] == ["receipt-unsigned"]
    Draft202012Validator(load_schema("receipt-report")).validate(report.to_json())
    logged = [json.loads(file.read_bytes()) for file in sorted(lantern.store.glob("log/*/*.json"))]
    transfers = [event for batch in logged for event in batch["events"] if event["eventType"] == "transfer"]
    assert len(transfers) == 2 and package.inventory in transfers[0]["linkingObjectIdentifier"][-1]
    assert "The Library" in transfers[1]["eventDetail"] and transfers[1]["eventOutcome"] == "success"
    assert {"site/v1", "site/v2", "maps/v1"} <= set(transfers[1]["linkingObjectIdentifier"])


@pytest.mark.parametrize(("edit", "said"), [
    (lambda value: value["bags"].pop(), "maps/v1: was handed over and is not in the receipt"),
    (lambda value: value["bags"][0].update(outcome="damaged"), "site/v1: the receipt says 'damaged'"),
    (lambda value: value["bags"][0].update(outcome=""), "site/v1: the receipt says nothing"),
    (lambda value: value["bags"][0].update(seal="0" * 64), "site/v1: was handed over with the seal"),
    (lambda value: value["bags"].append({"bag": "secret/v1", "seal": "0" * 64, "outcome": "received"}), "secret/v1: is in the receipt"),
    (lambda value: value.update(inventory="0" * 64), "inventory: names the inventory"),
    (lambda value: value.update(received_by=" "), "received_by: is empty"),
])
def test_each_difference_is_named_and_the_log_says_so(lantern, package, tmp_path, edit, said):
    report = take_receipt(answer(package, tmp_path, edit), Context(tmp_path / "home"), lantern.runner)
    assert report.exit_status == 1 and not report.agrees
    assert any(said in str(one) for one in report.findings)
    last = json.loads(max(lantern.store.glob("log/*/*.json"), key=lambda file: file.name).read_bytes())["events"][-1]
    assert last["eventOutcome"] == "fail" and said.split(": ", 1)[1][:20] in last["eventOutcomeDetailNote"]


def test_signed_on_both_sides(lantern, tmp_path, monkeypatch):
    make_key(tmp_path / "home", tmp_path)
    theirs = make_key(tmp_path / "their home", tmp_path)
    monkeypatch.setenv("STRONGROOM_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    context = Context(tmp_path / "home")
    report = handover(HandoverRequest(("site",), tmp_path / "package"), context, lantern.runner)
    root = tmp_path / "package"
    assert report.signed_by and (root / "keys/sender.pub").exists()
    if shutil.which("minisign"):  # the check that README.txt describes, by minisign itself
        command = ["minisign", "-Vm", "inventory.json", "-p", "keys/sender.pub"]
        assert subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
        assert (root / "keys/sender.pub").read_text().splitlines()[1] in (root / "README.txt").read_text()
    back = answer(report, tmp_path)
    signer = Keyring(tmp_path / "their home").signer()
    back.with_name("back.json.minisig").write_bytes(signer.sign(back.read_bytes(), "receipt"))
    assert take_receipt(back, context, lantern.runner).signature == "unknown key"
    (tmp_path / "their.pub").write_bytes(theirs.file())
    trusted = take_receipt(back, context, lantern.runner, key=tmp_path / "their.pub")
    assert trusted.signature == "trusted" and not trusted.findings
    back.write_bytes(back.read_bytes().replace(b"2026-12-01", b"2026-12-02"))
    broken = take_receipt(back, context, lantern.runner, key=tmp_path / "their.pub")
    assert broken.signature == "broken" and broken.exit_status == 1


def test_the_passphrase_comes_from_where_it_does_elsewhere(lantern, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STRONGROOM_PASSPHRASE_FILE", raising=False)
    make_key(tmp_path / "home", tmp_path)
    command = ["handover", "site", str(tmp_path / "x"), "--json", "--no-prefect", "--quiet"]
    try:
        assert main([*command, "--passphrase-file", str(tmp_path / "passphrase")]) == 0
    finally:
        passphrase.use(passphrase.Source())
    assert json.loads(capsys.readouterr().out)["signed_by"]


def test_where_the_home_was_lost_the_packages_inventory_will_do(lantern, package, tmp_path, monkeypatch, capsys):
    back = answer(package, tmp_path)
    shutil.rmtree(tmp_path / "home/handovers")
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    assert main(["handover", "--receipt", str(back)]) == 2 and "--inventory" in capsys.readouterr().err
    assert main(["handover", "--receipt", str(back), "--inventory", str(tmp_path / "package/inventory.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agrees"]


def test_the_command_line(lantern, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    assert main(["handover", "site"]) == 2 and main(["handover", "site", "x", "--receipt", "y"]) == 2
    assert main(["handover", "nothing", str(tmp_path / "x"), "--no-prefect"]) == 2 and not (tmp_path / "x").exists()
    capsys.readouterr()
    assert main(["handover", "site", str(tmp_path / "x"), "--as", "zip", "--json", "--no-prefect", "--quiet"]) == 1  # a backslash
    assert json.loads(capsys.readouterr().out)["result"] is None and not (tmp_path / "x").exists()
    assert main(["handover", "site", str(tmp_path / "x"), "--json", "--no-prefect", "--quiet"]) == 0
    Draft202012Validator(load_schema("handover-report")).validate(json.loads(capsys.readouterr().out))
    assert left_in(tmp_path / "home/scratch") == []


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":"strongroom-receipt/1"}', b'{"format":"strongroom-handover/1"}'])
def test_what_is_no_paper(data):
    for parse in (parse_receipt, parse_inventory):
        with pytest.raises(InvalidValueError):
            parse(data, what="it")


def test_a_receipt_for_another_handover(lantern, package, tmp_path):
    data = (tmp_path / "package/inventory.json").read_bytes()
    other = answer(package, tmp_path, lambda value: value.update(handover="f" * 32))
    found = dict(differences(parse_inventory(data, what="i"), Digest.of(data), parse_receipt(other.read_bytes(), what="r")))
    assert list(found) == ["handover"]


def test_a_paper_is_kept_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
        patch.setattr(os, "fsync", full)
        keep(tmp_path, "inventory.json", b"what was handed over")
    assert list(tmp_path.iterdir()) == []
    for data in (b"what was handed over", b"what was handed over", b"something else"):
        keep(tmp_path, "inventory.json", data)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "inventory.json": b"what was handed over", "2-inventory.json": b"something else"}
