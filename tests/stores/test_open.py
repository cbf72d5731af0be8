"""URLs, and what opening costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.core.errors import UsageError
from strongroom.stores.file import FileStore
from strongroom.stores.open import FileLocation, S3Location, StoreOptions, open_store, parse_url

SOURCE = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize(("url", "path"), [
    ("file:///disk/archive", "/disk/archive"), ("file://localhost/disk/a%20b/", "/disk/a b"), ("file:///disk/%FF", "/disk/\udcff"),
    ("/disk/a%20b", "/disk/a%20b"), ("/disk/what?#", "/disk/what?#"), ("file:///a%3Fb%23", "/a?b#"), ("file:///a/../b", "/b"),
])
def test_folders(url: str, path: str) -> None:
    location = parse_url(url)
    assert location == FileLocation(path)
    assert parse_url(location.url) == location
    assert open_store(url).url == location.url


def test_relative_folders_and_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert parse_url("archive/x") == FileLocation(f"{tmp_path}/archive/x")
    assert parse_url("~/x") == FileLocation("/home/somebody/x")


@pytest.mark.parametrize(("url", "location"), [
    ("s3://bucket", S3Location("bucket", "")), ("s3://bucket/", S3Location("bucket", "")),
    ("s3://my.bucket-1/a/b/", S3Location("my.bucket-1", "a/b")),
])
def test_buckets(url: str, location: S3Location) -> None:
    assert parse_url(url) == location
    assert parse_url(location.url) == location
    assert open_store(url).url == location.url


@pytest.mark.parametrize(("url", "why"), [
    ("", "no place"), ("file://disk/archive", "absolute"), ("file:disk", "absolute"), ("file:///a%00b", "NUL"), ("a\0b", "no place"),
    ("s3://", "bucket"), ("s3://UPPER/x", "bucket"), ("s3://ab", "bucket"), ("s3://bucket/a//b", "prefix"), ("s3://bucket/../x", "prefix"),
    ("s3://bucket/.hidden", "prefix"), ("s3://bucket/" + "x" * 121, "prefix"), ("s3://bucket/a b", "prefix"),
    ("s3://bucket/x?endpoint=y", r"\?"), ("s3://bucket/x#y", "#"), ("ftp://host/x", "file:// or s3://"), ("https://host/x", "file:// or s3://"),
    ("s3://[bucket/x", "not a URL"),
])
def test_what_is_no_place_for_a_store(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_url(url)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="credentials") as caught:
        parse_url("s3://AKIAEXAMPLE:s3cr3t@bucket/x")
    assert "s3cr3t" not in str(caught.value)
    assert "AKIA" not in str(caught.value)


def test_a_folder_is_not_wrapped_in_retries(tmp_path: Path) -> None:
    assert type(open_store(str(tmp_path), StoreOptions())) is FileStore


def test_users_of_folders_never_import_boto3(tmp_path: Path) -> None:
    script = ("import sys; from strongroom.stores.open import open_store; from strongroom.stores.describe import init_store;"
              "import strongroom.cli.store; init_store(sys.argv[1]); list(open_store(sys.argv[1]).list());"
              "assert not {'boto3', 'botocore', 's3transfer'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env={"PYTHONPATH": str(SOURCE)}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
