"""What the custodian says that no software can know: where stores stand, on what media, and which practices are followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from strongroom.collections.explain import explain
from strongroom.collections.load import manifests_folder
from strongroom.collections.schemas import load_schema
from strongroom.collections.yaml_nodes import MAX_BYTES, read_yaml
from strongroom.core.errors import UsageError
from strongroom.usecases.page.levels import REQUIREMENTS, Attested

#: The file in the folder of collection manifests that is read where none is named.
FILE: Final = "attestations.yaml"


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a store stands; None: not said."""

    location: str | None = None
    threat: str | None = None  # the disaster that is likeliest there
    media: str | None = None


@dataclass(frozen=True, slots=True)
class Attestations:
    file: str | None = None
    stores: Mapping[str, StorePlace] = field(default_factory=dict)  # by id or URL
    said: Mapping[str, Attested] = field(default_factory=dict)  # by the requirement's id

    def store(self, store_id: str, url: str) -> StorePlace:
        return self.stores.get(store_id) or self.stores.get(url) or StorePlace()

    def of(self, requirement: str) -> Attested:
        return self.said.get(requirement, Attested(None))


def load_attestations(file: Path | None, today: date) -> Attestations:
    """Those in `file`, or in attestations.yaml of the folder of collection manifests if there is one.

    One whose `review` lies behind `today` counts as not met. Raises UsageError with one line an error: `FILE:LINE: field: …`.
    """
    path = file or manifests_folder() / FILE
    if file is None and not path.is_file():
        return Attestations()
    try:
        with path.open("rb") as stream:
            node = read_yaml(stream.read(MAX_BYTES + 1), path)
    except OSError as error:
        raise UsageError(f"{path}: the attestations could not be read: {error.strerror}; check the name") from error
    written = node.plain()
    problems = list(explain(_validator().iter_errors(written), load_schema("attestations")))
    lines = [f"{path}:{node.at(one.path).line}: {one.field}: expected {one.expected}, found {one.found}" for one in problems]
    if lines:
        raise UsageError("\n".join(lines))
    known = {one.id for one in REQUIREMENTS}
    unknown = sorted(set(written.get("attested", {})) - known)
    if unknown:
        raise UsageError(f"{path}: attested: no requirement is called {', '.join(unknown)}; docs/operations.md lists them")
    stores = {one["store"]: StorePlace(one.get("location"), one.get("threat"), one.get("media")) for one in written.get("stores", [])}
    return Attestations(str(path), stores, {key: _said(value, today) for key, value in written.get("attested", {}).items()})


def _said(value: dict[str, Any], today: date) -> Attested:
    words = "; ".join(part for part in (value["statement"], value.get("by"), value.get("date")) if part)
    review = value.get("review")
    if review is not None and date.fromisoformat(review) < today:
        return Attested(False, f"what was attested had to be reviewed by {review}: {words}")
    return Attested(value.get("met", True), words)


@cache
def _validator() -> Any:
    from strongroom.collections.jsonschemas import Draft202012Validator  # noqa: PLC0415 -- takes 0.2 s to import

    return Draft202012Validator(load_schema("attestations"), format_checker=Draft202012Validator.FORMAT_CHECKER)
