"""Who may do what in the bucket: read by a linter of policies and by the client's own description of S3, and tried on a real server.

SeaweedFS judges the policy but for two statements, which the tests leave out: that all is over TLS (this server of the tests speaks plain
http), and that nothing is written without If-None-Match (it takes the condition for never met). These two are linted alone."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from tests.fixtures.seaweedfs import S3Server, running_server

ROOT = Path(__file__).parents[2]
HERE = ROOT / "infra" / "s3"
LEFT_OUT = ("TlsOnly", "NothingIsReplaced")
_spec = importlib.util.spec_from_file_location("prepare_bucket", HERE / "prepare_bucket.py")
assert _spec is not None and _spec.loader is not None
prepare_bucket = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(prepare_bucket)


@pytest.mark.parametrize("name", ["bucket-policy", "sweeper-policy"])
def test_the_linter_of_policies(name):
    parliament = pytest.importorskip("parliament")
    text = (HERE / f"{name}.json").read_text()
    assert parliament.analyze_policy_string(text).findings == []
    wrong = text.replace("s3:ListBucketMultipartUploads", "s3:ListBucketUploads")
    assert [finding.issue for finding in parliament.analyze_policy_string(wrong).findings] == ["UNKNOWN_ACTION"]


def test_the_policy_is_for_who_is_named():
    made = prepare_bucket.policy("letters", "arn:aws:iam::999900001111:role/night")
    text = json.dumps(made)
    assert "example-archive" not in text and "111122223333" not in text and ":::letters/*" in text
    denied = {action for one in made["Statement"] if one["Effect"] == "Deny" and one["Principal"] != "*" for action in one["Action"]}
    allowed = {action for one in made["Statement"] if one["Effect"] == "Allow" for action in one["Action"]}
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration", "s3:PutBucketPolicy",
            "s3:BypassGovernanceRetention"} <= denied
    assert not denied & allowed
    assert not [action for action in allowed if "Delete" in action or "*" in action]
    with pytest.raises(ValueError, match="Nobody"):
        prepare_bucket.policy("letters", "arn", ["Nobody"])


def test_nobody_is_shut_out_over_http(monkeypatch, capsys):
    """By a policy that could then not be taken back over http either. Asked of nobody: the address is one where nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "north")
    with pytest.raises(SystemExit, match="2"):
        prepare_bucket.main(["--bucket", "letters", "--archiver", "arn"])
    assert "http://127.0.0.1:1: the statement TlsOnly would shut out whoever comes over http" in capsys.readouterr().err


def test_only_bytes_grow_cold():
    """By prefix and size: what is over 4 MiB below packs/ and content/. No index of a pack of the largest size gets there."""
    shape = botocore.session.get_session().get_service_model("s3").operation_model("PutBucketLifecycleConfiguration").input_shape
    made = prepare_bucket.lifecycle("a/b")
    assert not ParamValidator().validate({"Bucket": "letters", "LifecycleConfiguration": made}, shape).has_errors()
    wrong = json.loads(json.dumps(made).replace('"Days"', '"Nights"'))
    assert ParamValidator().validate({"Bucket": "letters", "LifecycleConfiguration": wrong}, shape).has_errors()
    cold = [rule for rule in made["Rules"] if "Transitions" in rule]
    assert [rule["Filter"]["And"]["Prefix"] for rule in cold] == ["a/b/packs/", "a/b/content/"]
    assert not [rule for rule in made["Rules"] if "Expiration" in rule or "NoncurrentVersionExpiration" in rule]
    line = len(json.dumps({"frame": [2**24, 2**24], "length": 2**24, "offset": 2**24, "sha256": "0" * 64}))
    members = 2**24 // 1024 + 1  # format.md 3.1 and 3.2: a header and a block at least, but for the one empty content
    for rule in cold:
        assert rule["Filter"]["And"]["ObjectSizeGreaterThan"] == 4 * 2**20 > members * line
        assert [one["StorageClass"] for one in rule["Transitions"]] == ["GLACIER_IR"]  # read at once, without thawing


@pytest.fixture(scope="module")
def guarded(monkeypatch_module: pytest.MonkeyPatch) -> Iterator[tuple[S3Server, dict[str, dict[str, str]]]]:
    """A server with the bucket as prepare_bucket.py makes it, and the credentials of an archiver and of a sweeper."""
    people = {name: {"aws_access_key_id": f"{name}0123", "aws_secret_access_key": f"{name}-secret"} for name in ("archiver", "sweeper")}
    sweeping = json.loads((HERE / "sweeper-policy.json").read_text().replace("example-archive", "letters"))
    for statement in sweeping["Statement"]:
        statement.pop("Condition", None)  # this server knows no second factor
    more = {"policies": [{"name": "sweeping", "content": json.dumps(sweeping)}], "identities": [
        {"name": name, "actions": [], "policyNames": ["sweeping"] if name == "sweeper" else [],
         "credentials": [{"accessKey": word["aws_access_key_id"], "secretKey": word["aws_secret_access_key"]}]}
        for name, word in people.items()]}
    with running_server(more) as server:
        for name, value in server.env.items():
            monkeypatch_module.setenv(name, value)
        for _ in range(2):  # may be run again
            subprocess.run([sys.executable, HERE / "prepare_bucket.py", "--bucket", "letters", "--archiver",
                            "arn:aws:iam::000000000000:user/archiver", "--leave-out", *LEFT_OUT], check=True)
        yield server, people


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def strongroom(server: S3Server, who: dict[str, str], home: Path, *arguments: object, status: int = 0) -> Any:
    env = {**server.env, "AWS_ACCESS_KEY_ID": who["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": who["aws_secret_access_key"],
           "STRONGROOM_HOME": str(home / "home"), "STRONGROOM_MANIFESTS": str(home),
           "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "HOME": str(home)}
    done = subprocess.run([sys.executable, "-m", "strongroom", *map(str, arguments)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, (arguments, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.s3
def test_the_archiver_archives_and_removes_nothing(guarded, tmp_path):
    server, people = guarded
    source = tmp_path / "source"
    source.mkdir()
    (source / "large").write_bytes(bytes(range(256)) * (20 << 10))  # an object of its own
    (source / "larger").write_bytes(b"0123456789abcdef" * (66 << 16))  # and one that is sent in parts
    (source / "small.txt").write_text("words")
    (tmp_path / "letters.yaml").write_text("collection: letters\nsource: source\nstores: [s3://letters/main]\n")
    work = (server, people["archiver"], tmp_path)
    strongroom(*work, "store", "init", "s3://letters/main")
    strongroom(*work, "archive", "letters", "--quiet")
    (source / "small.txt").write_text("other words")
    strongroom(*work, "archive", "letters", "--quiet")
    strongroom(*work, "audit", "--full", "--quiet")
    strongroom(*work, "restore", "letters/v1", tmp_path / "restored", "--quiet")
    assert (tmp_path / "restored" / "data" / "small.txt").read_text() == "words"
    assert (tmp_path / "restored" / "data" / "larger").read_bytes() == (source / "larger").read_bytes()

    client = boto3.session.Session().client("s3", endpoint_url=server.endpoint, region_name=server.region, **people["archiver"])
    before = _everything(server)
    packs = [key for key in before if "/packs/" in key]
    for refused in (
        lambda: client.delete_object(Bucket="letters", Key=packs[0]),
        lambda: client.put_bucket_policy(Bucket="letters", Policy=json.dumps(prepare_bucket.policy("letters", "arn:aws:iam::1:user/x"))),
        lambda: client.delete_bucket_policy(Bucket="letters"),
        lambda: client.put_bucket_versioning(Bucket="letters", VersioningConfiguration={"Status": "Suspended"}),
        lambda: client.put_bucket_lifecycle_configuration(Bucket="letters", LifecycleConfiguration={"Rules": [
            {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}),
        lambda: client.delete_bucket(Bucket="letters"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    errors = client.delete_objects(Bucket="letters", Delete={"Objects": [{"Key": key} for key in packs]}).get("Errors", [])
    assert {error["Code"] for error in errors} == {"AccessDenied"} and len(errors) == len(packs)
    assert _everything(server) == before

    # What the archiver may not, the person who sweeps may.
    orphan = f"main/packs/00/{'0' * 64}.jsonl"
    server.client().put_object(Bucket="letters", Key=orphan, Body=b"{}")
    sweeper = boto3.session.Session().client("s3", endpoint_url=server.endpoint, region_name=server.region, **people["sweeper"])
    sweeper.delete_object(Bucket="letters", Key=orphan)
    assert _everything(server) == before


def _everything(server: S3Server) -> list[str]:
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket="letters")
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
