"""Checksums that Amazon S3 computes of objects where they lie (S3 Batch Operations, operation Compute checksum): what is asked, and what is
answered. The shapes are those of the service's own model (CreateJob) and documentation (completion reports)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError

#: Columns of a report's CSV files, where its manifest.json does not say others.
COLUMNS: Final = ("Bucket", "Key", "VersionId", "TaskStatus", "ErrorCode", "HTTPStatusCode", "ResultMessage")


@dataclass(frozen=True, slots=True)
class Job:
    """What a job is made of. Keys are of its `bucket`, whole."""

    account: str
    role: str  # ARN that the service acts as
    token: str  # the same one asks for the same job, however often
    manifest_arn: str
    manifest_etag: str
    report_bucket: str
    report_prefix: str

    def request(self) -> dict[str, Any]:
        """The parameters of CreateJob. FULL_OBJECT: of objects uploaded in parts, too, the SHA-256 of all bytes."""
        return {
            "AccountId": self.account, "ClientRequestToken": self.token, "RoleArn": self.role, "Priority": 10,
            "ConfirmationRequired": False, "Description": "Fixity of cold objects, for Strongroom",
            "Operation": {"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}},
            "Manifest": {
                "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
                "Location": {"ObjectArn": self.manifest_arn, "ETag": self.manifest_etag},
            },
            "Report": {
                "Bucket": f"arn:aws:s3:::{self.report_bucket}", "Prefix": self.report_prefix, "Format": "Report_CSV_20180820",
                "Enabled": True, "ReportScope": "AllTasks", "ExpectedBucketOwner": self.account,
            },
        }


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One of the files of a completion report."""

    key: str
    md5: str


def parse_report(data: bytes) -> tuple[tuple[str, ...], list[ResultFile]]:
    """The columns and files that a report's manifest.json names. Raises InvalidValueError."""
    try:
        document = json.loads(data)
        files = [ResultFile(str(one["Key"]), str(one["MD5Checksum"]).lower()) for one in document["Results"]]
        columns = tuple(name.strip() for name in document.get("ReportSchema", "").split(",") if name.strip()) or COLUMNS
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidValueError(f"is no completion report of a batch job: {error}") from error
    return columns, files


@dataclass(frozen=True, slots=True)
class Computed:
    """What became of one object: its SHA-256, or (None) why there is none."""

    bucket: str
    key: str
    sha256: Digest | None
    problem: str = ""


def parse_rows(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> Iterator[Computed]:
    """Rows of a result file. Raises InvalidValueError for a row that is none: a report that cannot be read is not half believed."""
    for row in rows:
        if not row:
            continue
        if len(row) != len(columns):
            raise InvalidValueError(f"a row of {len(row)} columns, and not of {len(columns)}: {','.join(row)[:200]!r}")
        yield _computed(dict(zip(columns, row, strict=True)))


def _computed(row: Mapping[str, str]) -> Computed:
    try:
        bucket, key, status, said = row["Bucket"], unquote(row["Key"]), row["TaskStatus"], row["ResultMessage"]
    except KeyError as error:
        raise InvalidValueError(f"no column {error}") from error
    if status.lower() != "succeeded":
        return Computed(bucket, key, None, f"{row.get('ErrorCode', '')} {row.get('HTTPStatusCode', '')}: {said}".strip())
    try:
        message = json.loads(said)
        algorithm, kind = message["checksumAlgorithm"], message["checksumType"]
        if (algorithm, kind) != ("SHA256", "FULL_OBJECT"):
            return Computed(bucket, key, None, f"a checksum of another kind was computed: {algorithm}, {kind}")
        digest = Digest.from_bytes(base64.b64decode(message["checksum_base64"], validate=True))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise InvalidValueError(f"{key}: no checksum in {said[:200]!r}") from error
    if str(message.get("checksum_hex", digest.hex)).lower() != digest.hex:
        raise InvalidValueError(f"{key}: two checksums that differ in {said[:200]!r}")
    return Computed(bucket, key, digest)
