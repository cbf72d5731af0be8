"""The batch job under way over one store, remembered at home until its report was read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from strongroom.core.errors import StrongroomError
from strongroom.durable import write_new

_FORMAT = "strongroom-batch/1"


@dataclass(frozen=True, slots=True)
class JobState:
    """`job` None: about to be made, by the same token however often. The list of its objects lies beside it (`listed`)."""

    account: str
    role: str
    token: str
    report_bucket: str
    report_prefix: str
    manifest_key: str
    objects: int
    bytes: int
    began: str  # UTC
    job: str | None = None


class States:
    """Below a home, one for each store."""

    def __init__(self, home: Path, store_id: str) -> None:
        self._folder = home / "batch"
        self.file = self._folder / f"{store_id}.json"
        self.listed = self._folder / f"{store_id}.csv"

    def load(self) -> JobState | None:
        try:
            document = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            what = "Remove it to begin anew; a job that runs is then for nothing"
            raise StrongroomError(f"{self.file}: cannot be read ({error}). {what}") from error
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            raise StrongroomError(f"{self.file}: was written by another version. Remove it to begin anew")
        return JobState(**document)

    def begin(self, state: JobState, listed: Path) -> None:
        """Keep the list, then the state."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with listed.open("rb") as lines:
            write_new(self.listed, iter(lambda: lines.read(1 << 20), b""))
        self.save(state)

    def save(self, state: JobState) -> None:
        write_new(self.file, [json.dumps({"format": _FORMAT, **asdict(state)}).encode()])

    def forget(self) -> None:
        for path in (self.file, self.listed):
            path.unlink(missing_ok=True)
