"""The reserved elements of bag-info.txt that a collection manifest can fill (RFC 8493, 2.2.2)."""

from __future__ import annotations

from strongroom import __version__
from strongroom.collections.model import CollectionManifest
from strongroom.core.events import utc_now
from strongroom.core.ids import BagId
from strongroom.core.sizes import human_size


def bag_info(manifest: CollectionManifest, bag: BagId, collection: str, files: int, size: int) -> list[tuple[str, str]]:
    """Label and value pairs, in the order of the RFC where it names them."""
    organisations = [agent.name for agent in manifest.agents if agent.role in ("custodian", "organisation", "organization", "source")]
    pairs = [("Source-Organization", name) for name in organisations]
    if manifest.title:
        pairs.append(("Internal-Sender-Description", manifest.title))
    if manifest.description:
        pairs.append(("External-Description", manifest.description))
    pairs.append(("Bagging-Date", utc_now()[:10]))
    pairs.append(("External-Identifier", str(bag)))
    pairs.append(("External-Identifier", f"urn:uuid:{_hyphens(collection)}"))
    pairs += [("External-Identifier", i.value) for i in manifest.identifiers if i.type.upper() != "UUID"]
    pairs.append(("Bag-Size", human_size(size)))
    pairs.append(("Payload-Oxum", f"{size}.{files}"))
    pairs.append(("Bag-Software-Agent", f"strongroom {__version__}"))
    return pairs


def _hyphens(uuid: str) -> str:
    return f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
