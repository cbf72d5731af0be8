"""Make a bucket ready for a store: the bucket itself if it is not there, its policy, and its lifecycle.

    python infra/s3/prepare_bucket.py --bucket NAME --prefix main --archiver arn:aws:iam::ACCOUNT:role/NAME --lifecycle
    python infra/s3/prepare_bucket.py --bucket NAME --archiver ARN --print        what it would put, and nothing else

Credentials are an administrator's, and come by AWS's usual means, as the endpoint does (AWS_ENDPOINT_URL). May be run again at any time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import BucketLifecycleConfigurationTypeDef

HERE = Path(__file__).parent
BUCKET, ARCHIVER, PREFIX = "example-archive", "arn:aws:iam::111122223333:role/strongroom-archiver", "main/"  # as the files have them


def policy(bucket: str, archiver: str, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """bucket-policy.json for this bucket and archiver, without the statements that are left out. Raises ValueError for one unknown."""
    text = (HERE / "bucket-policy.json").read_text().replace(f":::{BUCKET}", f":::{bucket}").replace(ARCHIVER, archiver)
    document: dict[str, Any] = json.loads(text)
    if unknown := set(leave_out) - {statement["Sid"] for statement in document["Statement"]}:
        raise ValueError(f"bucket-policy.json has no statement {', '.join(sorted(unknown))}")
    document["Statement"] = [statement for statement in document["Statement"] if statement["Sid"] not in leave_out]
    return document


def lifecycle(prefix: str) -> BucketLifecycleConfigurationTypeDef:
    """lifecycle.json for a store below `prefix` ("" or "a/b")."""
    document: BucketLifecycleConfigurationTypeDef = json.loads((HERE / "lifecycle.json").read_text())
    for rule in document["Rules"]:
        if "And" in rule["Filter"]:
            rule["Filter"]["And"]["Prefix"] = (f"{prefix}/" if prefix else "") + rule["Filter"]["And"]["Prefix"].removeprefix(PREFIX)
    return document


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--prefix", default="main", help="of the store in the bucket (default main)")
    parser.add_argument("--archiver", required=True, metavar="ARN", help="who archives: arn:aws:iam::ACCOUNT:role/NAME, or :user/NAME")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="SID", help="statements that the server does not know how to judge")
    parser.add_argument("--lifecycle", action="store_true", help="put the lifecycle as well: packs and large contents grow cold")
    parser.add_argument("--print", action="store_true", help="print what would be put")
    args = parser.parse_args(arguments)
    try:
        rules, ageing = policy(args.bucket, args.archiver, args.leave_out), lifecycle(args.prefix.strip("/"))
    except ValueError as error:
        parser.error(str(error))
    if args.print:
        print(json.dumps({"policy": rules, "lifecycle": ageing}, indent=2))
        return 0
    import boto3  # noqa: PLC0415 -- to print, nothing is needed
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    client = boto3.client("s3")
    if client.meta.endpoint_url.startswith("http://") and "TlsOnly" not in args.leave_out:
        parser.error(f"{client.meta.endpoint_url}: the statement TlsOnly would shut out whoever comes over http, an administrator too; "
                     "use https, or --leave-out TlsOnly")
    try:
        if not _there(client, args.bucket):
            _create(client, args.bucket)
        client.put_bucket_policy(Bucket=args.bucket, Policy=json.dumps(rules))
        if args.lifecycle:
            client.put_bucket_lifecycle_configuration(Bucket=args.bucket, LifecycleConfiguration=ageing)
    except (BotoCoreError, ClientError) as error:
        print(f"{args.bucket}: {error}", file=sys.stderr)
        return 3
    return 0


def _create(client: S3Client, bucket: str) -> None:
    region = client.meta.region_name
    if region in (None, "us-east-1"):  # where a bucket comes to be of itself, and which S3 refuses to be told
        client.create_bucket(Bucket=bucket)
    else:
        place = cast("BucketLocationConstraintType", region)
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": place})


def _there(client: S3Client, bucket: str) -> bool:
    """Whether the account has this bucket. Raises ClientError where that cannot be said."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
