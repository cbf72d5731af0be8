"""From bag-info.txt to the description of a collection, and to the collection manifest that is written for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from strongroom.usecases.imports.own import Own

#: Members of a collection manifest of ours that come back with the bag: what the collection is, and how it is to be kept apart.
_CARRIED: Final = ("title", "description", "agents", "rights", "access", "languages", "arrangement", "accession", "retention", "dedup")
_MOST: Final = 100  # values of one kind
_LONGEST: Final = 20_000  # characters of one
_ARK: Final = re.compile(r"(https?://[^/]+/)?ark:/?[0-9bcdfghjkmnpqrstvwxz]{5,}/\S+\Z")
_DOI: Final = re.compile(r"(https?://(dx\.)?doi\.org/|doi:)?10\.[0-9]{4,9}/\S+\Z")
_HEADER: Final = """\
# Written by `strongroom import`, and written anew when the next version of this bag is imported. To change anything, copy it
# to your collection manifests under the same collection name and give that name to `strongroom import --collection`.
"""


def describe(elements: Sequence[tuple[str, str]], own: Own | None, name: str) -> dict[str, Any]:
    """Members of a collection manifest that say what the bag says of itself. `name`: how it was called, if nothing else is known."""
    values = _values(elements)
    identifiers = [_identifier(value) for value in values("external-identifier", "internal-sender-identifier") if not _is_ours(value, own)]
    found: dict[str, Any] = {"identifiers": identifiers}
    if own is not None:
        carried = {key: own.document[key] for key in _CARRIED if own.document.get(key) not in (None, "", [], {})}
        kept = own.document.get("identifiers")
        more = [one for one in kept if not (isinstance(one, dict) and one.get("type") == "UUID")] if isinstance(kept, list) else []
        return carried | {"identifiers": [*more, *(one for one in identifiers if one not in more and one["value"] not in more)]}
    title = next(iter(values("title", "internal-sender-description", "external-description", "external-identifier")), "") or name
    found["title"] = " ".join(title.split())[:300] or "Untitled"
    if description := "\n".join(values("external-description", "description")):
        found["description"] = description
    organisations = values("source-organization")
    contacts = values("contact-name")
    mail = values("contact-email")
    found["agents"] = [{"name": one, "role": "source"} for one in organisations] + [
        {"name": one, "role": "contact", **({"identifier": mail[0]} if number == 0 and mail else {})} for number, one in enumerate(contacts)
    ]
    accession = {"source": "; ".join(organisations)} if organisations else {}
    dates = [value for value in values("bagging-date") if _is_date(value)]
    if dates:
        accession |= {"date": dates[0], "note": "the date is that of its bagging"}
    found["accession"] = accession
    groups = [f"{label}: {value}" for label in ("Bag-Group-Identifier", "Bag-Count") for value in values(label.lower())]
    if groups:
        found["arrangement"] = {"note": "; ".join(groups)}
    return found


def manifest_text(name: str, source: str, uuid: str, described: Mapping[str, Any], stores: Sequence[str], settings: str | None) -> str:
    """A collection manifest, one member a line. JSON is YAML as long as nothing in it needs an escape of a pair of surrogates."""
    identifiers = [{"type": "UUID", "value": uuid}, *described.get("identifiers", ())]
    members: dict[str, Any] = {"collection": name, "source": source, "mode": "closed"}
    if settings is not None:
        members["extends"] = settings
    if stores:
        members["stores"] = list(stores)
    members |= {**described, "identifiers": identifiers}
    return _HEADER + "".join(f"{key}: {json.dumps(_clean(value), ensure_ascii=False)}\n" for key, value in members.items())


def _values(elements: Iterable[tuple[str, str]]) -> Any:
    table: dict[str, list[str]] = {}
    for label, value in elements:
        cleaned = clean_text(value).strip()
        if cleaned and len(table.setdefault(label.lower(), [])) < _MOST and cleaned not in table[label.lower()]:
            table[label.lower()].append(cleaned[:_LONGEST])

    def values(*labels: str) -> list[str]:
        return list(dict.fromkeys(value for label in labels for value in table.get(label, ())))[:_MOST]

    return values


def clean_text(text: str) -> str:
    """`text` without what YAML cannot hold or a terminal would obey; what lies in the bag keeps it."""
    return "".join(c if c.isprintable() or c in "\n\u200c\u200d" else " " if c.isspace() else "\ufffd" for c in text)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)[:_LONGEST]
    if isinstance(value, dict):
        return {clean_text(str(key)): _clean(inner) for key, inner in list(value.items())[:_MOST]}
    return [_clean(inner) for inner in value[:_MOST]] if isinstance(value, list) else value


def _identifier(value: str) -> dict[str, str]:
    kind = "ARK" if _ARK.match(value) else "DOI" if _DOI.match(value) else "local"
    return {"type": kind, "value": value}


def _is_ours(value: str, own: Own | None) -> bool:
    return value.lower().startswith("urn:uuid:") or (own is not None and value == str(own.bag))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
