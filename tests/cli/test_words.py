"""What is said of a slip: what was given, where, what is expected. No type names, error numbers or parsers' jargon."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from strongroom.cli.main import main
from strongroom.stores.describe import init_store

JARGON = re.compile(r"invalid \w+ value|\[Errno|Expecting value: line|Traceback")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "STRONGROOM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "told"), [
    ("audit --workers x", "argument --workers: expected a whole number from 1 to 10000, found 'x'"),
    ("audit --workers 0", "argument --workers: expected a whole number from 1 to 10000, found '0'"),
    ("audit --max-age soon", "argument --max-age: expected a number from 0 to 36500, found 'soon'"),
    ("audit --max-age nan", "argument --max-age: expected a number from 0 to 36500, found 'nan'"),
    ("audit --max-minutes inf", "argument --max-minutes: expected a number from 0 to 1000000000, found 'inf'"),
    ("audit --max-minutes no", "argument --max-minutes: expected a number, 0 or more, found 'no'"),
    ("log show --last 9999999999", "argument --last: expected a whole number from 0 to 1000000000, found '9999999999'"),
    ("verify b --workers two", "argument --workers: expected a whole number from 1 to 10000, found 'two'"),
    ("serve --at-once x", "argument --at-once: expected a whole number, 1 or more, found 'x'"),
    ("browse --port 70000", "argument --port: expected a whole number from 0 to 65535, found '70000'"),
    ("similar --threshold x", "argument --threshold: expected a number from 0.5 to 1, found 'x'"),
    ("sweep --grace x", "argument --grace: expected a number from 0 to 36500, found 'x'"),
    ("import b --max-ratio x", "argument --max-ratio: expected a whole number, 1 or more, found 'x'"),
    ("show a --seal xx", "argument --seal: not a SHA-256 in lower-case hexadecimal: 'xx'"),
    ("quarantine --release xx", "argument --release: not a SHA-256 in lower-case hexadecimal: 'xx'"),
    ("keys revoke KEY --last a", "argument --last: not a bag: 'a'; a bag is NAME/vN, such as mysite/v3"),
    ("show a b", "strongroom show: error: not known: b"),
    ("list --fast", "strongroom list: error: not known: --fast"),
])
def test_an_argument(place: Path, capsys: pytest.CaptureFixture[str], arguments: str, told: str) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert told in err and not JARGON.search(err) and out == ""
    assert err.startswith(f"usage: strongroom {arguments.split()[0]} ")


@pytest.mark.parametrize(("arguments", "status", "told"), [
    ("list nope", 2, "strongroom: no collection 'nope' is known here; `strongroom list` shows"),
    ("list nope --from store", 2, "/store: no sealed bag of a collection 'nope' lies there"),
    ("list --from store", 0, ""),
    ("verify nothing", 2, "nothing: does not exist; name the folder that holds bagit.txt, or a tar, tar.gz or zip of it"),
    ("verify junk.zip", 1, "error: junk.zip: is no tar, tar.gz or zip, or it is cut short or damaged at its beginning"),
    ("verify folder --profile junk.zip", 2, "error: junk.zip: is not JSON (line 1, column 1: Expecting value); a profile is a JSON file"),
    ("verify folder --profile nothing", 2, "error: nothing: the profile cannot be read: No such file or directory; name the file"),
    ("handover --receipt junk.zip", 2, "strongroom: junk.zip: is not JSON (line 1, column 1: Expecting value); name the receipt.json"),
    ("browse --token-file nothing", 2, "strongroom: nothing: the token cannot be read: No such file or directory; put it"),
    ("verify store", 2, "error: store is a store, not a bag; `strongroom audit --store store` verifies all that lies in it"),
    ("arhive folder", 2, "strongroom: error: no command 'arhive'; did you mean `strongroom archive`?"),
    ("zzz", 2, "strongroom: error: no command 'zzz'; `strongroom --help` lists them"),
    ("archive folder/in", 2, "strongroom: folder/in is a folder: name the collection manifest, a YAML file"),
    ("archive folder", 2, "strongroom: no collection manifest for 'folder': looked for "),
])
def test_a_slip(place: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int, told: str) -> None:
    (place / "folder/in").mkdir(parents=True)
    (place / "junk.zip").write_bytes(b"junk\n")
    init_store((place / "store").as_uri())
    assert main(arguments.split()) == status
    out, err = capsys.readouterr()
    assert told in err and not JARGON.search(err + out)


def test_a_bag_that_is_refused_is_told_once_and_without_dots(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "folder/in").mkdir(parents=True)
    (place / "junk.zip").write_bytes(b"junk\n")
    init_store((place / "store").as_uri())
    assert main(["import", "folder/../junk.zip", "--store", "store", "--quiet", "--no-prefect", "--workers", "1"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{place / 'junk.zip'}: refused, 1 error", "1 bag: 1 refused."]
    assert err.startswith(f"error: {place / 'junk.zip'}: is no tar") and err.count("junk.zip") == 1


def test_a_manifest_that_cannot_be_used_is_named_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "manifests").mkdir()
    (place / "manifests/T 1.yaml").write_text("collection: T 1\nsource: folder\n")
    assert main(["status"]) == 0
    _, err = capsys.readouterr()
    assert err.count("T 1.yaml") == 1
    assert "line 1: collection: expected 1 to 64 of the characters" in err and '; line 1: stores: expected this field' in err
    assert "cannot name" not in err
