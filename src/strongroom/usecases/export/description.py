"""What the collection manifest says, for documents that go with an exported bag.

The manifest as it is now describes the export, where it can be found; what the bag was sealed with does otherwise. So a field that a
receiver asks for can be added without making a new bag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.core.bag.baginfo import Element, parse_bag_info
from strongroom.core.errors import UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.known import known_bags

_CUSTODIANS: Final = ("custodian", "organisation", "organization", "source")
#: Where a person adds what is missing, by label in lower case.
_WHERE: Final = {
    "source-organization": "`agents:`, an entry with `role: custodian`",
    "organization-address": "`agents:`, `address:` of the entry with `role: custodian`",
    "contact-name": "`agents:`, an entry with `role: contact`",
    "contact-email": "`agents:`, `email:` of the entry with `role: contact`",
    "contact-phone": "`agents:`, `phone:` of the entry with `role: contact`",
    "external-description": "`description:`",
    "internal-sender-description": "`title:`",
    "external-identifier": "`identifiers:`",
}


@dataclass(frozen=True, slots=True)
class Description:
    """The members of a collection manifest's document, read with care: a sealed one may be a stranger's."""

    document: Mapping[str, Any]
    sealed_info: tuple[tuple[str, str], ...]  # bag-info.txt as sealed
    file: str | None  # the manifest as it is now, if it was found

    def text(self, *path: str) -> str | None:
        value: Any = self.document
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) and value else None

    @property
    def title(self) -> str | None:
        return self.text("title")

    @property
    def rights(self) -> Mapping[str, str]:
        value = self.document.get("rights")
        if isinstance(value, str):
            return {"statement": value}
        return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}

    @property
    def access(self) -> Mapping[str, str]:
        value = self.document.get("access")
        return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}

    @property
    def agents(self) -> list[Mapping[str, str]]:
        found = self.document.get("agents")
        agents = [{"name": one} if isinstance(one, str) else one for one in found] if isinstance(found, list) else []
        return [agent for agent in agents if isinstance(agent, dict) and isinstance(agent.get("name"), str)]

    def agent(self, *roles: str) -> Mapping[str, str] | None:
        return next((agent for agent in self.agents if agent.get("role") in roles), None)

    @property
    def custodian(self) -> Mapping[str, str] | None:
        return self.agent(*_CUSTODIANS)

    @property
    def identifiers(self) -> list[str]:
        found = self.document.get("identifiers")
        values = [one.get("value") if isinstance(one, dict) else one for one in found] if isinstance(found, list) else []
        return [value for value in values if isinstance(value, str)]

    @property
    def languages(self) -> list[str]:
        found = self.document.get("languages")
        return [found] if isinstance(found, str) else [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    def export_info(self) -> list[tuple[str, str]]:
        """The elements of bag-info.txt that `export: bag_info:` states."""
        export = self.document.get("export")
        return list(_pairs(export.get("bag_info"))) if isinstance(export, dict) else []

    def export_tag_files(self) -> dict[str, list[tuple[str, str]]]:
        """Tag files that `export: tag_files:` states, each a list of elements as in bag-info.txt."""
        export = self.document.get("export")
        files = export.get("tag_files") if isinstance(export, dict) else None
        return {name: list(_pairs(value)) for name, value in files.items()} if isinstance(files, dict) else {}

    def bag_info(self) -> list[tuple[str, str]]:
        """Elements for a new bag: those that were sealed, what the manifest says beyond them, and what it says in their place."""
        stated = self.export_info()
        replaced = {label.lower() for label, _ in stated}
        pairs = [(label, value) for label, value in self.sealed_info if label.lower() not in replaced]
        there = {label.lower() for label, _ in pairs} | replaced
        pairs += [(label, value) for label, value in self._further() if value and label.lower() not in there]
        return pairs + stated

    def _further(self) -> Iterator[tuple[str, str | None]]:
        custodian, contact = self.custodian or {}, self.agent("contact") or {}
        yield "Source-Organization", custodian.get("name")
        yield "Organization-Address", custodian.get("address")
        yield "Contact-Name", contact.get("name")
        yield "Contact-Phone", contact.get("phone")
        yield "Contact-Email", contact.get("email") or custodian.get("email")
        yield "External-Description", self.text("description")
        yield "Internal-Sender-Description", self.title

    def where(self, label: str) -> str:
        """Where in the collection manifest an element of bag-info.txt is stated."""
        return _WHERE.get(label.lower(), f"`export:`, `bag_info:`, `{label}:`")


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for label, found in value.items():
            for one in found if isinstance(found, list) else [found]:
                if isinstance(one, str):
                    yield label, one


def describe(bag: SealedBag, context: Context) -> Description:
    """What the collection manifest says now, or said when the bag was sealed."""
    sealed = bag.document("metadata/collection.json")
    path = bag.tag_file("bag-info.txt")
    info: tuple[tuple[str, str], ...] = ()
    if path is not None:
        with path.open("rb") as lines:
            info = tuple((item.label, item.value) for item in parse_bag_info(lines) if isinstance(item, Element))
    document = sealed if isinstance(sealed, dict) else {}
    for row in known_bags(context, bag.id.name).collections:
        if row.manifest is None:
            continue
        from strongroom.collections.load import load  # noqa: PLC0415  YAML and JSON Schema

        try:
            manifest = load(Path(row.manifest))
        except (UsageError, OSError):
            continue  # moved or no longer valid: what was sealed will do
        if manifest.name == bag.id.name:
            return Description(manifest.document, info, row.manifest)
    return Description(document, info, None)
