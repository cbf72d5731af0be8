"""Uploading one large object in parts: several at once, each with its own SHA-256, with bounded memory. Imports no S3 library."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from strongroom.core.errors import ChecksumRefusedError, StoreUnreachableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MAX_PARTS: Final = 10_000  # of the S3 protocol, like the next one
MAX_PART: Final = 5 * 1024**3
_MIB: Final = 1024**2


def part_size(length: int, smallest: int) -> int:
    """Bytes in each part of an object of `length` bytes: whole MiB, at least `smallest`, so that they are at most 10,000.

    >>> part_size(10**12, 16 * 2**20) // 2**20
    96
    """
    return max(smallest, -(-length // (MAX_PARTS * _MIB)) * _MIB)


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """One upload of one object. At most `parallel` + 1 parts are in memory."""

    client: S3Client
    bucket: str
    key: str
    parallel: int
    create: dict[str, Any]  # more arguments of CreateMultipartUpload
    complete: dict[str, Any]  # more arguments of CompleteMultipartUpload: the condition
    translated: Callable[[], AbstractContextManager[None]]  # around every request, and not around the reading of the source

    def run(self, parts: Iterable[bytes]) -> None:
        """Upload and complete. Whatever fails, `parts` itself included, the upload is aborted and the exception passes as it is."""
        with self.translated():
            upload = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=self.key, ChecksumAlgorithm="SHA256", **self.create
            )["UploadId"]
        try:
            done = self._send(upload, parts)
            with self.translated():
                self.client.complete_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=upload, MultipartUpload={"Parts": done}, **self.complete
                )
        except BaseException:
            # Best effort: `tidy` finds what stays. An upload that did complete, with its reply lost, cannot be aborted any more.
            with suppress(Exception):
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=upload)
            raise

    def _send(self, upload: str, parts: Iterable[bytes]) -> list[CompletedPartTypeDef]:
        done: list[CompletedPartTypeDef] = []
        under_way: deque[Future[CompletedPartTypeDef]] = deque()
        # Leaving the pool waits for what is under way, so that nothing is sent after the abort.
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="upload") as pool:
            try:
                for number, part in enumerate(parts, 1):
                    if len(under_way) == self.parallel:
                        done.append(under_way.popleft().result())
                    under_way.append(pool.submit(self._send_part, upload, number, part))
                done.extend(future.result() for future in under_way)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return done

    def _send_part(self, upload: str, number: int, part: bytes) -> CompletedPartTypeDef:
        checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
        try:
            with self.translated():
                reply = self.client.upload_part(
                    Bucket=self.bucket, Key=self.key, UploadId=upload, PartNumber=number, Body=part, ChecksumSHA256=checksum
                )
        except ChecksumRefusedError as error:  # of what was hashed a moment ago: not the caller's fault
            raise StoreUnreachableError(f"{self.key}: part {number} was damaged on the way to the server, which refused it") from error
        return {"PartNumber": number, "ETag": reply["ETag"], "ChecksumSHA256": checksum}
