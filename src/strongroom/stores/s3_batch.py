"""Batch jobs of Amazon S3. No server that can be run in tests has them: tests/batch holds this to recorded shapes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from strongroom.core.checksums import Job
from strongroom.core.errors import ChecksumRefusedError
from strongroom.stores import s3_client
from strongroom.stores.retry import RetryPolicy, patiently
from strongroom.stores.s3_connection import S3Connection, S3Settings

_CHUNK: Final = 1 << 20


class S3Batch(S3Connection):
    """`bucket` is the one that lists and reports lie in."""

    def __init__(self, bucket: str, settings: S3Settings, patience: RetryPolicy) -> None:
        super().__init__(bucket, f"s3://{bucket}", settings)
        self._patience = patience
        self._control: Any = None

    @property
    def control(self) -> Any:
        if self._control is None:
            with self._translated(None):
                self._control = s3_client.connect_control(self.settings)
        return self._control

    def upload(self, path: Path, key: str) -> str:
        """Put a file at a key, over what is there. Its ETag."""
        def put() -> str:
            with path.open("rb") as file, self._translated(key):
                return self.client.put_object(Bucket=self._bucket, Key=key, Body=file)["ETag"].strip('"')

        return patiently(self._patience, put)

    def create(self, job: Job) -> str:
        """Have the job made, once for each token. Its id."""
        def ask() -> str:
            with self._translated("batch"):
                return str(self.control.create_job(**job.request())["JobId"])

        return patiently(self._patience, ask)

    def describe(self, account: str, job: str) -> dict[str, Any]:
        """What DescribeJob says: Status, ProgressSummary, FailureReasons."""
        def ask() -> dict[str, Any]:
            with self._translated(f"batch/{job}"):
                return dict(self.control.describe_job(AccountId=account, JobId=job)["Job"])

        return patiently(self._patience, ask)

    def read(self, key: str) -> bytes:
        """A small object. Raises NotFoundInStoreError."""
        def get() -> bytes:
            with self._translated(key):
                return self.client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

        return patiently(self._patience, get)

    def download(self, key: str, md5: str, path: Path) -> None:
        """An object into a file. Raises ChecksumRefusedError if it does not have the MD5, which is there against accidents alone."""
        def get() -> str:
            running = hashlib.md5(usedforsecurity=False)
            with self._translated(key):
                body = self.client.get_object(Bucket=self._bucket, Key=key)["Body"]
                with path.open("wb") as file:
                    while chunk := body.read(_CHUNK):
                        running.update(chunk)
                        file.write(chunk)
            return running.hexdigest()

        if (found := patiently(self._patience, get)) != md5:
            raise ChecksumRefusedError(f"{self.url}/{key}: has MD5 {found}, and the report says {md5}; nothing of the report was used")
