"""The formats that schemas/collection.schema.json uses and JSON Schema does not know, and how their text becomes values.

Each function takes text and raises ValueError (of which InvalidValueError is one) saying what was expected.
"""

from __future__ import annotations

import os
import re
import urllib.parse
from decimal import Decimal
from pathlib import Path
from typing import Final

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SIZE: Final = re.compile(r"([0-9]{1,15}) ?([KMGTP]?)(i?)B?\Z")
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%\Z")
_NO_SECRETS: Final = "they come from the environment or ~/.aws, never from a collection manifest"
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


def source_place(text: str, folder: Path) -> Path | tuple[str, str]:
    """What `text` names: the absolute path of a folder (a path or file:// URL; relative ones are below `folder`), or bucket and prefix.

    >>> source_place("s3://bucket/Papers (2003)/", Path("/"))
    ('bucket', 'Papers (2003)')
    """
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() == "file":
        return local_path(text, folder)
    if scheme[1].lower() != "s3":
        raise ValueError(f"a folder, file:///PATH or s3://BUCKET/PREFIX; sources of the kind {scheme[1]}:// are not supported")
    bucket, _, prefix = text[5:].partition("/")
    if "@" in bucket:
        raise ValueError(f"s3://BUCKET/PREFIX without credentials: {_NO_SECRETS}")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.match(bucket) or "\0" in prefix or (prefix and {"", ".", ".."} & set(prefix.split("/"))):
        raise ValueError("s3://BUCKET/PREFIX with a bucket's name (3 to 63 of a–z 0–9 . -) and a prefix without empty segments, . and ..")
    return bucket, prefix


def store_url(text: str, folder: Path) -> str:
    """`text` as the URL of a store: "./disk" → "file:///here/disk"; s3:// without a final slash."""
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() == "file":
        return local_path(text, folder).as_uri()
    if scheme[1].lower() != "s3":
        raise ValueError(f"a folder, file:///PATH or s3://BUCKET/PREFIX; stores of the kind {scheme[1]}:// are not supported")
    bucket, _, prefix = text[5:].partition("/")
    if "@" in bucket:
        raise ValueError(f"s3://BUCKET/PREFIX without credentials: {_NO_SECRETS}")
    if not _BUCKET.match(bucket) or re.search(r"[?#\s\\]", prefix):
        raise ValueError("s3://BUCKET/PREFIX with the name of a bucket (3 to 63 of a–z 0–9 . -) and a prefix without ? # \\ or spaces")
    return f"s3://{bucket}/{prefix.strip('/')}".rstrip("/")


def local_path(text: str, folder: Path) -> Path:
    """A path or file:// URL as an absolute path without `..`; links are not resolved, `~` is."""
    if "\0" in text or not text:
        raise ValueError("a path")
    if re.match(r"s3:(?!//)", text, re.IGNORECASE):
        raise ValueError("s3://BUCKET/PREFIX, with two slashes; a folder of that name as ./s3:…")
    if _SCHEME.match(text):
        parts = urllib.parse.urlsplit(text)
        if parts.netloc not in ("", "localhost") or not parts.path or parts.query or parts.fragment:
            raise ValueError("file:///ABSOLUTE/PATH, without host, credentials, ? or # (written %3F and %23)")
        text = os.fsdecode(urllib.parse.unquote_to_bytes(parts.path))
        if "\0" in text:
            raise ValueError("a path")
    path = os.path.expanduser(text)
    if path.startswith("~"):
        raise ValueError("a path; no user of this name has a home folder (write ./~ for a folder called so)")
    return Path(os.path.normpath(os.path.join(os.path.abspath(folder), path)))


def size_bytes(value: int | str) -> int:
    """"10 GiB" → 10737418240; "10 GB" → 10000000000."""
    if isinstance(value, int):
        return value
    match = _SIZE.match(value)
    if match is None or (match[3] and not match[2]):
        raise ValueError("a number of bytes such as 500 MB or 10 GiB")
    exponent = " KMGTP".index(match[2]) if match[2] else 0
    return int(match[1]) * int((1024 if match[3] else 1000) ** exponent)


def fraction(value: float | str) -> Decimal:
    """"10 %" → Decimal("0.1"); 0.1 → Decimal("0.1")."""
    if isinstance(value, str):
        match = _PERCENT.match(value)
        result = Decimal(match[1]) / 100 if match else Decimal(-1)
    else:
        result = Decimal(str(value))
    if not 0 <= result <= 1:
        raise ValueError("a share from 0 % to 100 %, such as 10 % or 0.1")
    return result


def service_url(text: str) -> str:
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the URL of an S3 service such as https://s3.example.org")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError(f"a URL without credentials: {_NO_SECRETS}")
    return text
