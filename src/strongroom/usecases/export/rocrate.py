"""ro-crate-metadata.json (RO-Crate 1.2), written line by line: memory does not grow with the number of files.

The crate's root is the base folder of the bag, so that the payload stays what was sealed. The context is a reference by URL; nothing is
fetched to write or to read this.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Container, Iterator, Mapping
from typing import Any, Final

from strongroom.core.canonical import dumps_line
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding
from strongroom.usecases.export.description import Description
from strongroom.usecases.sealed.bag import SealedBag

NAME: Final = "ro-crate-metadata.json"
_CONTEXT: Final = "https://w3id.org/ro/crate/1.2/context"
_VERSION: Final = "https://w3id.org/ro/crate/1.2"
_SEAL: Final = "#seal"
_PERSONS: Final = ("author", "creator", "contributor", "curator", "editor", "photographer", "collector", "person", "contact")


def crate(bag: SealedBag, described: Description, without: Container[Digest] = ()) -> Iterator[bytes]:
    """The document in pieces; `without` the files of some contents.

    What the specification wants and the collection manifest does not say becomes a finding of the bag."""
    asked = (
        ("a title", described.title, "`title:`"), ("a description", described.text("description"), "`description:`"),
        ("a licence", _licence(described), "`rights:`, `license:`"),
    )
    for name, stated, where in asked:
        if not stated:
            what = f"RO-Crate asks for {name}, which the collection manifest does not state; add {where}"
            bag.collector.add(Finding(Code.EXPORT_UNSTATED, f"{bag.id}: {NAME}", what))
    yield f'{{"@context":"{_CONTEXT}","@graph":[\n'.encode()
    yield _line({"@id": NAME, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": _VERSION}})
    yield b",\n" + dumps_line(_root(bag, described)).encode()[:-1] + b',"hasPart":['
    first = True
    for entry in bag.manifest():
        if entry.digest in without:
            continue
        yield (b"" if first else b",\n") + _line({"@id": file_id(entry.path)})
        first = False
    yield b"]}"
    for entity in (*_contextual(described), *_identifiers(bag, described), _seal(bag)):
        yield b",\n" + _line(entity)
    for entry, detail in bag.described():
        if entry.digest not in without:
            yield b",\n" + _line(_file(entry.path, entry.digest.hex, detail))
    yield b"\n]}\n"


def file_id(path: str) -> str:
    """A payload path as a URI reference relative to the bag (RFC 3986).

    >>> file_id("data/a b%.txt")
    'data/a%20b%25.txt'
    """
    return urllib.parse.quote(path, safe="/")


def _root(bag: SealedBag, described: Description) -> dict[str, Any]:
    label = str(bag.id)
    licence: Any = {"@id": _licence(described)} if _licence(described) else "No licence is stated: ask the custodian before using it."
    root: dict[str, Any] = {
        "@id": "./", "@type": "Dataset", "name": described.title or label,
        "description": described.text("description") or f"The collection {bag.id.name}, as sealed in the bag {label}.",
        "datePublished": bag.seal.sealed, "license": licence, "version": str(bag.id.version),
        "identifier": _references(list(_identifiers(bag, described))), "isBasedOn": {"@id": _SEAL},
    }
    authors = [agent for agent in _agents(described) if agent["role"] in ("author", "creator")]
    if authors:
        root["author"] = _references(authors)
    publishers = [agent for agent in _agents(described) if agent["role"] in ("custodian", "organisation", "organization", "publisher")]
    if publishers:
        root["publisher"] = {"@id": publishers[0]["@id"]}
    others = [agent for agent in _agents(described) if agent not in authors and agent not in publishers]
    if others:
        root["contributor"] = _references(others)
    if described.languages:
        root["inLanguage"] = _one_or_all(described.languages)
    if described.rights.get("statement"):
        root["copyrightNotice"] = described.rights["statement"]
    if described.rights.get("note"):
        root["usageInfo"] = described.rights["note"]
    if described.access.get("level", "open") != "open" or described.access.get("embargo_until"):
        root["conditionsOfAccess"] = ", ".join(f"{key}: {value}" for key, value in sorted(described.access.items()))
    if described.rights.get("holder"):
        root["copyrightHolder"] = {"@id": "#rights-holder"}
    return root


def _references(entities: list[dict[str, Any]]) -> Any:
    return _one_or_all([{"@id": entity["@id"]} for entity in entities])


def _one_or_all(values: list[Any]) -> Any:
    """A value that is alone stands without brackets, as the specification recommends."""
    return values[0] if len(values) == 1 else values


def _contextual(described: Description) -> Iterator[dict[str, Any]]:
    if licence := _licence(described):
        statement = described.rights.get("statement")
        yield {
            "@id": licence, "@type": "CreativeWork", "name": statement or licence,
            "description": described.rights.get("note") or statement or f"The licence at {licence}",
        }
    for agent in _agents(described):
        yield {key: value for key, value in agent.items() if key != "role" and value is not None} | (
            {"description": agent["role"]} if agent["role"] else {})
    if described.rights.get("holder"):
        yield {"@id": "#rights-holder", "@type": "Organization", "name": described.rights["holder"]}


def _seal(bag: SealedBag) -> dict[str, Any]:
    return {
        "@id": _SEAL, "@type": "CreativeWork", "name": f"The seal of {bag.id}", "identifier": f"urn:sha256:{bag.digest.hex}",
        "dateCreated": bag.seal.sealed, "description": "The bag's identity is the SHA-256 of its seal.",
    }


def _identifiers(bag: SealedBag, described: Description) -> Iterator[dict[str, Any]]:
    for number, value in enumerate([f"urn:uuid:{_hyphens(bag.seal.collection)}", *described.identifiers], 1):
        entity = {"@id": f"#identifier-{number}", "@type": "PropertyValue", "name": "identifier", "value": value}
        yield entity | ({"url": value} if value.startswith(("http://", "https://")) else {})


def _licence(described: Description) -> str | None:
    return described.rights.get("license")


def _agents(described: Description) -> list[dict[str, Any]]:
    return [
        {
            "@id": _agent_id(agent, number), "@type": "Person" if agent.get("role") in _PERSONS else "Organization", "name": agent["name"],
            "role": agent.get("role") or "", "email": agent.get("email"), "telephone": agent.get("phone"), "address": agent.get("address"),
        }
        for number, agent in enumerate(described.agents, 1)
    ]


def _agent_id(agent: Mapping[str, str], number: int) -> str:
    identifier = agent.get("identifier", "")
    return identifier if identifier.startswith(("https://", "http://")) else f"#agent-{number}"


def _file(path: str, sha256: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    entity: dict[str, Any] = {"@id": file_id(path), "@type": "File", "name": path.rpartition("/")[2], "sha256": sha256}
    if isinstance(detail.get("size"), int):
        entity["contentSize"] = str(detail["size"])
    if isinstance(detail.get("type"), str):
        entity["encodingFormat"] = detail["type"]
    return entity


def _line(entity: Mapping[str, Any]) -> bytes:
    return dumps_line(entity).encode()


def _hyphens(uuid: str) -> str:
    return f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
