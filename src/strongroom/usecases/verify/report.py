"""What came of verifying a bag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Finding, Severity, has_errors


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The verdict on one bag: all findings in the order of the rules, and what was looked at."""

    bag: str  # the folder or file as it was named
    version: str  # "1.0"
    encoding: str  # of the tag files
    payload_algorithms: tuple[str, ...]
    tag_algorithms: tuple[str, ...]
    payload_files: int
    payload_bytes: int
    tag_files: int
    hashed_bytes: int  # payload and tag files; each file is read once for all algorithms
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Complete and every checksum right (RFC 8493, 3). Warnings do not count."""
        return not has_errors(self.findings)

    @property
    def errors(self) -> int:
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The document of `strongroom verify --json` (schemas/verify-report.schema.json)."""
        return {
            "format": "strongroom-verify/1",
            "bag": _unicode(self.bag),
            "valid": self.valid,
            "version": self.version,
            "encoding": self.encoding,
            "payload": {"algorithms": list(self.payload_algorithms), "bytes": self.payload_bytes, "files": self.payload_files},
            "tags": {"algorithms": list(self.tag_algorithms), "files": self.tag_files},
            "hashed_bytes": self.hashed_bytes,
            "errors": self.errors,
            "warnings": sum(finding.severity is Severity.WARNING for finding in self.findings),
            "findings": [
                {key: _unicode(value) for key, value in finding.to_json().items()} for finding in self.findings
            ],
        }


def _unicode(text: str) -> str:
    """`text` with the bytes of names that are not UTF-8 spelled \\udcXX, since JSON could not carry them."""
    return text.encode("utf-8", "backslashreplace").decode()
