"""Making a store, and opening the one that is meant."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from strongroom.cli import store as cli
from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedInStoreError,
    GenerationsDifferError,
    InvalidValueError,
    StoreUnreachableError,
    StrongroomError,
    UnknownFeatureError,
    UsageError,
    WrongStoreError,
)
from strongroom.core.keys import DESCRIPTION, README, RECOVER, StoreKey
from strongroom.stores.describe import Description, init_store, open_known_store, parse_description, probe_place, read_description
from strongroom.stores.interface import Store
from strongroom.stores.open import open_store
from tests.stores.helpers import names, put, read

SCHEMAS = Path(__file__).parents[2] / "schemas"


def check(document: Any, schema: str) -> None:
    loaded = json.loads((SCHEMAS / schema).read_text())
    Draft202012Validator.check_schema(loaded)
    Draft202012Validator(loaded, format_checker=FormatChecker()).validate(document)


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/store"
    make: Callable[[], str] = request.getfixturevalue("s3_bucket")
    return make()


def _overwrite(store: Store, key: StoreKey, data: bytes) -> None:
    store.delete(key)
    put(store, key.text, data)


def test_init_makes_a_store_once(url: str) -> None:
    made = init_store(url)
    store = open_store(url)
    assert made.created
    assert names(store) == ["README.txt", "recover.py", "strongroom.json"]
    check(json.loads(read(store, DESCRIPTION)), "store.schema.json")
    assert read(store, DESCRIPTION) == made.description.to_bytes()
    assert b"tar" in read(store, README)
    again = init_store(url)
    assert not again.created
    assert again.id == made.id
    assert names(store) == ["README.txt", "recover.py", "strongroom.json"]
    assert made.capabilities.create_only
    assert made.capabilities.checks_sha256
    assert made.capabilities.ranges
    opened = open_known_store(url, made.id)
    put(opened, "content/ab/x")
    assert open_known_store(url, None).url == url
    assert read_description(opened).id == made.id


def test_another_store_or_none_is_refused(url: str) -> None:
    with pytest.raises(WrongStoreError):
        open_known_store(url, None)
    made = init_store(url)
    with pytest.raises(WrongStoreError, match=f"{made.id}.*{'0' * 32}"):
        open_known_store(url, "0" * 32)


def test_an_unplugged_disk_never_becomes_a_new_store(tmp_path: Path) -> None:
    disk = tmp_path / "mnt" / "disk"
    disk.mkdir(parents=True)
    made = init_store(str(disk / "archive"))
    disk.rename(tmp_path / "drawer")
    for _ in range(2):  # without, then with the empty mount point
        with pytest.raises(WrongStoreError, match="mounted"):
            open_known_store(str(disk / "archive"), made.id)
        disk.mkdir(exist_ok=True)
    with pytest.raises(WrongStoreError, match="mounted"):
        open_known_store(str(disk), made.id)
    assert os.listdir(disk) == []
    assert open_known_store(str(tmp_path / "drawer" / "archive"), made.id).url.endswith("/drawer/archive")  # wherever it is mounted


def test_init_makes_one_folder_not_a_path(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachableError, match="mount the disk"):
        init_store(str(tmp_path / "not-mounted" / "archive"))
    with pytest.raises(StrongroomError, match="/proc takes no new folder"):  # and is not said to be absent
        init_store("/proc/archive")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StrongroomError):
        init_store(str(tmp_path / "file"))
    assert os.listdir(tmp_path) == ["file"]


def test_init_refuses_foreign_places(url: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(url)
    put(store, "holiday/photo.jpg")
    with pytest.raises(UsageError, match="photo"):
        init_store(url)
    assert names(store) == ["holiday/photo.jpg"]


def test_init_refuses_the_remains_of_a_store(url: str) -> None:
    init_store(url)
    store = open_store(url)
    put(store, "bags/site/v1/seal.json")
    store.delete(DESCRIPTION)
    with pytest.raises(WrongStoreError, match=r"Put strongroom\.json back"):
        init_store(url)
    assert "strongroom.json" not in names(store)


def test_init_goes_on_after_a_crash(url: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(url)
    put(store, "README.txt", b"half")
    put(store, "probe/0/plain")
    made = init_store(url)
    assert made.created
    assert names(store) == ["README.txt", "README.txt~1", "probe/0/plain", "recover.py", "strongroom.json"]


def test_two_inits_at_once_make_one_store(tmp_path: Path) -> None:
    for n in range(5):
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(init_store, [str(tmp_path / str(n))] * 4))
        assert len({one.id for one in made}) == 1
        assert sum(one.created for one in made) == 1
        assert names(open_store(str(tmp_path / str(n)))) == ["README.txt", "recover.py", "strongroom.json"]


def _describe(at: Store, key: str, **changes: Any) -> None:
    value = {"format": "strongroom-store/1", "store": "a" * 32, "created": "2026-01-01T00:00:00Z", "features": [], "number": 0} | changes
    put(at, key, canonical.dumps(value))


def test_newer_versions_features(url: str) -> None:
    made = init_store(url)
    store = open_store(url)
    _describe(store, "strongroom-1.json", store=made.id, features=["later-thing"], number=1)
    known = open_known_store(url, made.id)
    assert names(known)[0] == "README.txt"
    assert read_description(known).features == ("later-thing",)
    for call in (lambda: put(known, "x"), lambda: known.delete(README), lambda: known.tidy(0)):
        with pytest.raises(UnknownFeatureError, match="later-thing"):
            call()
    _describe(store, "strongroom-2.json", store=made.id, features=["!encrypted"], number=2)
    with pytest.raises(UnknownFeatureError, match="encrypted"):
        open_known_store(url, made.id)
    _describe(store, "strongroom-10.json", store=made.id, number=10)  # by number, not by spelling
    put(open_known_store(url, made.id), "x")
    _describe(store, "strongroom-11.json", format="strongroom-store/2")
    with pytest.raises(UnknownFeatureError, match="store/2"):
        open_known_store(url, made.id)


def test_damaged_descriptions(url: str) -> None:
    made = init_store(url)
    store = open_store(url)
    good = read(store, DESCRIPTION)
    _overwrite(store, DESCRIPTION, good[:-10])
    with pytest.raises(DamagedInStoreError):
        open_known_store(url, made.id)
    with pytest.raises(DamagedInStoreError):  # and init does not make another store of it
        init_store(url)
    put(store, "strongroom.json~1", good)
    assert open_known_store(url, made.id).url == url
    _describe(store, "strongroom.json~2")
    with pytest.raises(GenerationsDifferError):
        open_known_store(url, made.id)
    put(store, "strongroom-1.json", b"damaged successor")
    with pytest.raises(DamagedInStoreError):
        open_known_store(url, made.id)


@pytest.mark.parametrize("data", [
    b"", b"[]", b"null", b"{}", b'{"format":1}', b'{"format":"strongroom-store/1"}', b"\xff", b'{"format":"a","format":"b"}',
    b'{"format":"strongroom-store/1","store":"x","created":"","features":[],"number":0}',
    b'{"format":"strongroom-store/1","store":"%s","created":"","features":[1],"number":0}' % (b"a" * 32),
    b'{"format":"strongroom-store/1","store":"%s","created":"","features":"ab","number":0}' % (b"a" * 32),
    b'{"format":"strongroom-store/1","store":"%s","created":"","features":[],"number":true}' % (b"a" * 32),
])
def test_what_is_no_description(data: bytes) -> None:
    with pytest.raises(InvalidValueError):
        parse_description(data)


def test_description_survives_the_trip() -> None:
    description = Description("a" * 32, "2026-01-01T00:00:00Z", ("x", "y"), 3)
    assert parse_description(description.to_bytes()) == description
    with_more = canonical.loads(description.to_bytes(), what="x") | {"later": 1}
    assert parse_description(canonical.dumps(with_more)) == description


def test_probe_leaves_nothing(url: str) -> None:
    init_store(url)
    found = probe_place(url)
    assert found.create_only
    assert found.checks_sha256
    assert names(open_store(url)) == ["README.txt", "recover.py", "strongroom.json"]


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    cli.register(parser)
    return cli.run(parser.parse_args(arguments))


def test_command_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("init", url, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    check(report, "store-init-report.schema.json")
    assert report["created"]
    assert report["url"] == url
    assert open_known_store(url, report["store"])
    assert _run("init", url) == 0
    assert f"there already, id {report['store']}" in capsys.readouterr().out
    assert _run("probe", url, "--json") == 0
    probed = json.loads(capsys.readouterr().out)
    check(probed, "store-init-report.schema.json")
    assert "store" not in probed
    assert _run("probe", url) == 0
    assert capsys.readouterr().out == f"{url} was probed\n"


def test_what_people_are_told_is_what_the_package_holds(url: str) -> None:
    init_store(url)
    for key, name in ((README, "readme.txt"), (RECOVER, "recover.py")):
        packaged = Path(__file__).parents[2] / "src/strongroom/stores" / name
        assert Digest.of(read(open_store(url), key)) == Digest.of(packaged.read_bytes())
