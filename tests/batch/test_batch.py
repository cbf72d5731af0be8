"""Fixity by S3 Batch Operations. NO SERVER THAT CAN BE RUN HERE HAS IT.

The store, the list and the report lie in a real S3 server. The answers of the control service have the shape of its model: botocore checks
requests and answers against it. The report has the documented shape: rows of Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode
and ResultMessage, which is a JSON object with checksum_base64, checksum_hex, checksumAlgorithm and checksumType.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from strongroom.core.checksums import COLUMNS, parse_report, parse_rows
from strongroom.core.errors import ChecksumRefusedError, InvalidValueError, StrongroomError, UsageError
from strongroom.core.findings import Code
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.local import LocalRunner
from strongroom.stores import s3_client
from strongroom.stores.describe import init_store, open_known_store, read_description
from strongroom.stores.open import StoreOptions
from strongroom.usecases.archive.run import archive
from strongroom.usecases.batch.run import BatchRequest, batch
from strongroom.usecases.locks import locked
from strongroom.usecases.status import status
from tests.fixtures.premises import Premises
from tests.fixtures.reports import check
from tests.fixtures.seaweedfs import S3Server

pytestmark = pytest.mark.s3
ACCOUNT, ROLE, JOB = "123456789012", "arn:aws:iam::123456789012:role/batch", "8a4f3c1e-0000-4000-8000-000000000001"
LARGE = b"a film that is longer than a pack takes " * (1 << 17)


class Site(Premises):
    url: str
    reports: str
    client: Any
    control: Stubber

    @property
    def bucket(self) -> str:
        return self.url.removeprefix("s3://").split("/")[0]

    def manifest(self) -> Any:
        return self.describe("news", [{"url": self.url, "storage_class": "GLACIER"}])

    def batch(self, **options: Any) -> Any:
        return batch(BatchRequest(self.url, **options), self.context, self.runner)

    def begin(self) -> Any:
        return self.batch(account=ACCOUNT, role=ROLE, reports=self.reports, spend=True)

    def expect(self, status: str, **more: Any) -> None:
        self.control.add_response("describe_job", {"Job": {"JobId": JOB, "Status": status, **more}}, {"AccountId": ACCOUNT, "JobId": JOB})

    def asked(self) -> list[str]:
        """The keys that the list names, as the service would read it."""
        prefix = self.reports.removeprefix(f"s3://{self.bucket}/")
        (key,) = [one["Key"] for one in self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/list-")["Contents"]]
        body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()
        return [row[1] for row in csv.reader(io.StringIO(body)) if row[0] == self.bucket]

    def answer(self, rows: list[list[str]], *, md5: str | None = None) -> None:
        """Put a report where the service would."""
        prefix = self.reports.removeprefix(f"s3://{self.bucket}/") + f"/job-{JOB}"
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        data = text.getvalue().encode()
        results = [{"TaskExecutionStatus": "succeeded", "Bucket": self.bucket, "Key": f"{prefix}/results/1.csv",
                    "MD5Checksum": md5 or hashlib.md5(data, usedforsecurity=False).hexdigest()}]
        self.client.put_object(Bucket=self.bucket, Key=f"{prefix}/results/1.csv", Body=data)
        self.client.put_object(Bucket=self.bucket, Key=f"{prefix}/manifest.json", Body=json.dumps({
            "Format": "Report_CSV_20180820", "ReportCreationDate": "2026-11-22T17:48:39.725Z", "Results": results,
            "ReportSchema": ", ".join(COLUMNS)}).encode())

    def row(self, key: str, data: bytes | None = None) -> list[str]:
        """What the service would say of an object with these bytes, by default those that lie there."""
        data = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read() if data is None else data
        digest = hashlib.sha256(data)
        said = {"etag": "x", "checksum_base64": base64.b64encode(digest.digest()).decode(), "checksum_hex": digest.hexdigest().upper(),
                "checksumAlgorithm": "SHA256", "checksumType": "FULL_OBJECT"}
        return [self.bucket, key, "", "succeeded", "", "200", json.dumps(said)]

    def log(self) -> list[dict[str, Any]]:
        prefix = self.url.removeprefix(f"s3://{self.bucket}/")
        keys = [one["Key"] for one in self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/log/")["Contents"]]
        batches = [json.loads(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()) for key in keys]
        return [event for one in batches for event in one["events"]]


@pytest.fixture
def site(tmp_path: Path, s3_server: S3Server, s3_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    url, reports = s3_bucket(), s3_bucket()
    init_store(url)
    control = boto3.session.Session().client("s3control", region_name="us-east-1")
    stubber = Stubber(control)
    monkeypatch.setattr(s3_client, "connect_control", lambda _: control)
    monkeypatch.delenv("STRONGROOM_PRICES", raising=False)
    with LocalRunner(1, quiet=True) as runner, stubber:
        made = Site(tmp_path, runner)
        made.url, made.reports, made.client, made.control = url, reports, s3_server.client(), stubber
        for number in range(5):
            made.write("news", f"{number}.html", b"page %d" % number * 40)
        made.write("news", "film.bin", LARGE)
        assert archive(made.manifest(), made.context, made.runner).outcome == "sealed"
        stubber.add_response("create_job", {"JobId": JOB}, {
            "AccountId": ACCOUNT, "ClientRequestToken": ANY, "RoleArn": ROLE, "Priority": 10, "ConfirmationRequired": False,
            "Description": ANY, "Operation": {"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}},
            "Manifest": {"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
                         "Location": {"ObjectArn": ANY, "ETag": ANY}},
            "Report": {"Bucket": f"arn:aws:s3:::{made.bucket}", "Prefix": reports.removeprefix(f"s3://{made.bucket}/"),
                       "Format": "Report_CSV_20180820", "Enabled": True, "ReportScope": "AllTasks", "ExpectedBucketOwner": ACCOUNT}})
        yield made


def test_priced_made_waited_for_compared_and_recorded(site: Site) -> None:
    report = site.batch()
    assert (report.step, report.exit_status, report.objects) == ("priced", 3, 2)
    assert report.price == pytest.approx(0.25, abs=0.01) and "nothing was spent" in report.summary()[0]
    with pytest.raises(UsageError, match="--account"):
        site.batch(spend=True)
    with pytest.raises(UsageError, match="lies in the store"):
        site.batch(spend=True, account=ACCOUNT, role=ROLE, reports=f"{site.url}/reports")
    site.expect("Active", ProgressSummary={"TotalNumberOfTasks": 2, "NumberOfTasksSucceeded": 0, "NumberOfTasksFailed": 0})
    report = site.begin()
    assert (report.step, report.status, report.job, report.exit_status) == ("running", "Active", JOB, 3)
    asked = site.asked()
    assert len(asked) == 2 and all("/packs/" in key or "/content/" in key for key in asked)
    site.expect("Complete")
    assert site.batch().step == "running"  # the report comes some minutes later
    site.answer([site.row(key) for key in asked])
    site.expect("Complete")
    report = site.batch()
    assert (report.step, report.exit_status, report.outcomes) == ("compared", 0, {CheckOutcome.SOUND: 2}), report.findings
    (event,) = [one for one in site.log() if one["eventType"] == "fixity check" and JOB in one["eventDetail"]]
    assert "computed where they lie" in event["eventDetail"] and event["eventOutcome"] == "success"
    assert any("Amazon S3 Batch Operations" in agent for agent in event["linkingAgentIdentifier"])
    prefix = site.url.removeprefix(f"s3://{site.bucket}/")
    (key,) = [one["Key"] for one in site.client.list_objects_v2(Bucket=site.bucket, Prefix=f"{prefix}/checks/")["Contents"]]
    checks = json.loads(site.client.get_object(Bucket=site.bucket, Key=key)["Body"].read())
    assert checks["scope"] == "~batch" and [one["outcome"] for one in checks["checks"] if one["seq"] == checks["seq"]] == ["sound"] * 2
    (replica,) = next(one.replicas for one in status(site.context).collections if one.name == "news")
    assert replica.recent_bytes == replica.bytes > len(LARGE)  # read, by whoever it was
    check(report.to_json(), "batch-report")
    check(checks, "checks")
    assert site.batch().step == "priced"  # the next one, another year
    site.control.assert_no_pending_responses()


def test_what_differs_fails_or_is_not_named(site: Site) -> None:
    site.expect("New")
    site.begin()
    first, second = site.asked()
    site.answer([site.row(first, b"other bytes"), [site.bucket, second, "", "failed", "AccessDenied", "403", "Access Denied"]])
    site.expect("Complete")
    report = site.batch()
    assert report.exit_status == 1 and report.outcomes == {CheckOutcome.DAMAGED: 1, CheckOutcome.UNREADABLE: 1}
    assert {one.code for one in report.findings} <= {Code.CONTENT_DAMAGED, Code.PACK_DAMAGED, Code.UNREADABLE}
    assert any("AccessDenied 403" in one.message and "Nothing is known of its bytes" in one.message for one in report.findings)
    assert status(site.context).stores[0].unsound == 1


_LONG = "field larger|no checksum"  # csv has one limit for a whole process, which others may have raised


def test_a_report_that_cannot_be_believed_is_not_half_believed(site: Site) -> None:
    site.expect("Active")
    site.begin()
    first, second = site.asked()
    short = lambda key: key.removeprefix(site.url.removeprefix(f"s3://{site.bucket}/") + "/")  # noqa: E731 -- as a store beside it would be
    for rows, md5, said in (
        ([site.row(first), site.row(second)], "0" * 32, "MD5"),
        ([site.row(first), [site.bucket, second]], None, "columns"),
        ([site.row(first), [site.bucket, second, "", "succeeded", "", "200", "{}"]], None, "no checksum"),
        ([site.row(first), site.row(second), [site.bucket, "other/object", *site.row(second)[2:]]], None, "not asked about"),
        ([site.row(first), ["another-bucket", *site.row(second)[1:]]], None, "of another bucket"),
        ([site.row(first), [site.bucket, short(second), *site.row(second)[2:]]], None, "not asked about"),
        ([site.row(first, b"other bytes"), site.row(second), site.row(first)], None, "speaks twice"),
        ([site.row(first), site.row(second), [site.bucket, first, "", "failed", "AccessDenied", "403", "x"]], None, "speaks twice"),
        ([site.row(first), [site.bucket, second, "", "succeeded", "", "200", "x" * 200_000]], None, _LONG),
        ([site.row(first), [site.bucket, second, "", "succeeded", "", "200", "[" * 100_000]], None, "no checksum"),
    ):
        site.answer(rows, md5=md5)
        site.expect("Complete")
        with pytest.raises((InvalidValueError, ChecksumRefusedError), match=said):
            site.batch()
    assert not [one for one in site.log() if JOB in one["eventDetail"]]
    site.answer([site.row(first)])  # and this one is silent about the other
    site.expect("Complete")
    report = site.batch()
    assert report.exit_status == 3 and report.outcomes == {CheckOutcome.SOUND: 1, CheckOutcome.UNREADABLE: 1}


def test_a_job_that_fails_is_said_and_another_can_be_made(site: Site) -> None:
    site.expect("Failed", FailureReasons=[{"FailureCode": "ManifestAccessDenied", "FailureReason": "no permission to read the list"}])
    report = site.begin()
    assert (report.step, report.exit_status) == ("failed", 3)
    assert "ManifestAccessDenied" in report.findings[0].message and report.findings[0].code is Code.BATCH_FAILED
    assert site.batch().step == "priced"


def test_checksums_of_another_kind_are_none() -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()

    def one(**more: str) -> Any:
        said = {"checksum_base64": digest, "checksumAlgorithm": "SHA256", "checksumType": "FULL_OBJECT", **more}
        return next(parse_rows([["b", "a%20b", "", "succeeded", "", "200", json.dumps(said)]], COLUMNS))

    assert one().sha256.hex == hashlib.sha256(b"x").hexdigest() and one().key == "a b"
    assert one(checksumType="COMPOSITE").sha256 is None and "another kind" in one(checksumAlgorithm="MD5").problem
    with pytest.raises(InvalidValueError, match="differ"):
        one(checksum_hex="0" * 64)
    for data in (b"", b"[]", b'{"Results": [{}]}'):
        with pytest.raises(InvalidValueError):
            parse_report(data)


def test_a_job_that_is_refused_is_asked_for_anew_as_then_said(site: Site) -> None:
    site.control.deactivate()
    site.control = Stubber(site.control.client)  # instead of the answer that the fixture has ready
    site.control.activate()
    site.control.add_client_error("create_job", "InvalidRequest", "The role cannot be assumed", 400)
    with pytest.raises(StrongroomError, match=r"The role cannot be assumed.*No job was made.*--role") as refused:
        site.batch(account=ACCOUNT, role="arn:aws:iam::123456789012:role/mistyped", reports=site.reports, spend=True)
    assert refused.value.exit_status == 3
    assert site.batch().step == "priced"  # nothing of the mistake is kept
    site.control.add_response("create_job", {"JobId": JOB}, {
        **dict.fromkeys(("AccountId", "ClientRequestToken", "Priority", "ConfirmationRequired", "Description", "Operation"), ANY),
        **dict.fromkeys(("Manifest", "Report"), ANY), "RoleArn": ROLE})
    site.expect("New")
    assert site.begin().step == "running"
    site.control.assert_no_pending_responses()


def test_a_job_that_the_service_forgot_is_not_asked_after_for_ever(site: Site) -> None:
    site.expect("New")
    site.begin()
    site.control.add_client_error("describe_job", "NoSuchJob", "The specified job does not exist", 404)
    report = site.batch()
    assert (report.step, report.exit_status) == ("failed", 3) and "knows no such job" in report.findings[0].message
    assert site.batch().step == "priced"


def test_two_runs_at_once_make_one_job(site: Site) -> None:
    store_id = read_description(open_known_store(site.url, None, StoreOptions())).id
    with locked(site.context.catalogue, f"batch-{store_id}"), pytest.raises(StrongroomError, match="another run is at a batch job"):
        site.begin()
    assert not (site.context.home / "batch").exists()
