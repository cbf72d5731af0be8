"""Validate any BagIt bag on disk, versions 0.93 to 1.0 (RFC 8493), without changing a byte of it.

Each rule is a file of its own; `verification` joins them.
"""

from strongroom.usecases.verify.report import VerifyReport
from strongroom.usecases.verify.verification import verify

__all__ = ["VerifyReport", "verify"]
