"""A bag in a file (tar, tar.gz, zip): unpacked as a stranger's, then validated as any folder."""

from __future__ import annotations

from pathlib import Path

from strongroom.core.bag.profile import Profile
from strongroom.core.errors import RefusedError
from strongroom.unpacking.forms import unpack
from strongroom.unpacking.limits import Limits, UnpackError
from strongroom.usecases.context import Context
from strongroom.usecases.verify.report import VerifyReport
from strongroom.usecases.verify.verification import verify


def verify_file(
    file: Path, context: Context, *, limits: Limits | None = None, staging: Path | None = None, workers: int = 2,
    profile: Profile | None = None,
) -> VerifyReport:
    """`verify` for a serialised bag. Nothing is written but to a scratch folder (below STRONGROOM_HOME, or `staging`), which is removed.

    Raises RefusedError if the file cannot be taken for a bag: what two programs could read differently, leads elsewhere or has no end
    is refused; UsageError if the scratch folder cannot be made, OSError.
    """
    with context.scratch("verify", staging) as scratch:
        try:
            got = unpack(file, scratch, limits or Limits(), lambda _: None)
        except UnpackError as error:
            raise RefusedError(f"{file}: {error}; nothing of it was verified") from error
        return verify(got.root, name=str(file), form=got.form, workers=workers, profile=profile)
