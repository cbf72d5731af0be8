"""PREMIS 3.0 XML (the Library of Congress's premis-v3-0.xsd), written element by element: memory does not grow with the number of files."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from strongroom.core.digests import Digest
from strongroom.core.events import AGENT
from strongroom.usecases.export.description import Description
from strongroom.usecases.sealed.bag import SealedBag

NAME: Final = "metadata/premis.xml"
_NAMESPACE: Final = "http://www.loc.gov/premis/v3"
_SCHEMA: Final = "http://www.loc.gov/standards/premis/premis.xsd"
#: What no XML 1.0 document can hold (its production 2), and what attribute and line end normalisation would alter.
_UNHELD: Final = re.compile("[\x00-\x1f\x7f%\ud800-\udfff\ufffe\uffff]")
_IRREGULAR: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMED: Final = {"open": "access is open", "restricted": "access is restricted", "closed": "there is no access"}


def premis(bag: SealedBag, described: Description, without: Container[Digest] = ()) -> Iterator[bytes]:
    """The document in pieces: the collection, the bag and every file but those of the contents in
    `without`; events up to the seal; agents; rights."""
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<premis xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_NAMESPACE} {_SCHEMA}" version="3.0">\n'
    ).encode()
    rights = f"{bag.id}#rights"
    yield _object("intellectualEntity", [("UUID", _hyphens(bag.seal.collection)), ("local", bag.id.name)], described.title, "")
    inside = _relation("is included in", "UUID", _hyphens(bag.seal.collection))
    yield _object("representation", [("local", str(bag.id)), ("sha256 of the seal", bag.digest.hex)], None, inside + _links_to(rights))
    for entry, detail in bag.described():
        if entry.digest in without:
            continue
        yield _file(bag, entry.path, entry.digest.hex, detail)
    agents: dict[str, None] = {AGENT: None, f"software: {bag.seal.software}": None}
    for event in bag.lines("metadata/events.jsonl"):
        yield _event(event, str(bag.id), agents)
    for name in agents:
        yield _agent(name, name, "software" if name.startswith("software:") else "person", None)
    for number, agent in enumerate(described.agents, 1):
        yield _agent(agent.get("identifier") or f"{bag.id.name}#agent-{number}", agent["name"], "", agent.get("role"))
    yield _rights(bag, described, rights)
    yield b"</premis>\n"


def local_name(bag: str, path: str) -> str:
    """A file's identifier. A character that XML cannot hold, or would change, and % are percent-encoded.

    >>> local_name("a/v1", "data/50%\\n")
    'a/v1/data/50%25%0A'
    """
    return f"{bag}/" + _UNHELD.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass")), path)


def _text(name: str, value: object) -> str:
    text = _IRREGULAR.sub("\ufffd", str(value))
    return f"<{name}>{escape(text, {chr(13): '&#13;'})}</{name}>"


def _identifier(kind: str, name: str, value: str) -> str:
    return f"<{kind}Identifier>{_text(f'{kind}IdentifierType', name)}{_text(f'{kind}IdentifierValue', value)}</{kind}Identifier>"


def _object(kind: str, identifiers: list[tuple[str, str]], original: str | None, rest: str) -> bytes:
    names = "".join(_identifier("object", name, value) for name, value in identifiers)
    title = _text("originalName", original) if original else ""
    return f'<object xsi:type="{kind}">{names}{title}{rest}</object>\n'.encode()


def _relation(subtype: str, name: str, value: str) -> str:
    related = _identifier("relatedObject", name, value)
    return f"<relationship>{_text('relationshipType', 'structural')}{_text('relationshipSubType', subtype)}{related}</relationship>"


def _links_to(rights: str) -> str:
    return _identifier("linkingRightsStatement", "local", rights)


def _file(bag: SealedBag, path: str, sha256: str, detail: Mapping[str, Any]) -> bytes:
    kind, puid = detail.get("type"), detail.get("puid")
    pronom = f"{_text('formatRegistryName', 'PRONOM')}{_text('formatRegistryKey', puid)}" if isinstance(puid, str) and puid else ""
    registry = f"<formatRegistry>{pronom}</formatRegistry>" if pronom else ""
    size = _text("size", detail["size"]) if isinstance(detail.get("size"), int) and detail["size"] >= 0 else ""
    characteristics = (
        f"<objectCharacteristics><fixity>{_text('messageDigestAlgorithm', 'SHA-256')}{_text('messageDigest', sha256)}</fixity>{size}"
        f"<format><formatDesignation>{_text('formatName', kind if isinstance(kind, str) else 'unknown')}</formatDesignation>"
        f"{registry}</format>"
        "</objectCharacteristics>"
    )
    name = _text("originalName", local_name("", path).removeprefix("/data/"))
    rest = characteristics + name + _relation("is included in", "local", str(bag.id))
    return _object("file", [("local", local_name(str(bag.id), path))], None, rest)


def _event(event: Mapping[str, Any], bag: str, agents: dict[str, None]) -> bytes:
    """An event as the bag has it (docs/format.md, section 7.1)."""
    outcome = _text("eventOutcome", event.get("eventOutcome", ""))
    if note := event.get("eventOutcomeDetailNote"):
        outcome += f"<eventOutcomeDetail>{_text('eventOutcomeDetailNote', note)}</eventOutcomeDetail>"
    links = ""
    for agent in _texts(event.get("linkingAgentIdentifier")):
        agents[agent] = None
        links += _identifier("linkingAgent", "local", agent)
    objects = [one for one in _texts(event.get("linkingObjectIdentifier")) if not one.startswith(("attempt:", "store:"))] or [bag]
    links += "".join(_identifier("linkingObject", "local", one) for one in objects)
    detail = f"<eventDetailInformation>{_text('eventDetail', event.get('eventDetail', ''))}</eventDetailInformation>"
    return (
        f"<event>{_identifier('event', 'URN', str(event.get('eventIdentifier', '')))}{_text('eventType', event.get('eventType', ''))}"
        f"{_text('eventDateTime', event.get('eventDateTime', ''))}{detail}"
        f"<eventOutcomeInformation>{outcome}</eventOutcomeInformation>{links}</event>\n"
    ).encode()


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _agent(identifier: str, name: str, kind: str, role: str | None) -> bytes:
    more = (_text("agentType", kind) if kind else "") + (_text("agentNote", f"role: {role}") if role else "")
    return f"<agent>{_identifier('agent', 'local', identifier)}{_text('agentName', name)}{more}</agent>\n".encode()


def _rights(bag: SealedBag, described: Description, identifier: str) -> bytes:
    """What the collection manifest says of rights and access; that nothing is said, where it says nothing."""
    said = described.rights
    notes = [said[name] for name in ("statement", "note") if said.get(name)]
    notes += [f"rights holder: {said['holder']}"] if said.get("holder") else []
    if said.get("license"):
        documents = (
            f"<licenseDocumentationIdentifier>{_text('licenseDocumentationIdentifierType', 'URI')}"
            f"{_text('licenseDocumentationIdentifierValue', said['license'])}</licenseDocumentationIdentifier>"
        )
        basis = "license"
        body = f"<licenseInformation>{documents}{''.join(_text('licenseNote', one) for one in notes)}</licenseInformation>"
    else:
        notes = notes or ["no rights are stated"]
        basis = "other"
        body = (
            f"<otherRightsInformation>{_text('otherRightsBasis', 'statement of the custodian')}"
            f"{''.join(_text('otherRightsNote', one) for one in notes)}</otherRightsInformation>"
        )
    access = described.access
    restrictions = [_NAMED[access["level"]]] if access.get("level") in _NAMED else []
    restrictions += [access["reason"]] if access.get("reason") else []
    limits = "".join(_text("restriction", one) for one in restrictions)
    if access.get("embargo_until"):
        dates = _text("startDate", bag.seal.sealed[:10]) + _text("endDate", access["embargo_until"])
        limits += f"<termOfRestriction>{dates}</termOfRestriction>"
    granted = f"<rightsGranted>{_text('act', 'disseminate')}{limits}</rightsGranted>"
    return (
        f"<rights><rightsStatement>{_identifier('rightsStatement', 'local', identifier)}{_text('rightsBasis', basis)}{body}{granted}"
        f"{_identifier('linkingObject', 'local', str(bag.id))}</rightsStatement></rights>\n"
    ).encode()


def _hyphens(uuid: str) -> str:
    return f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
