"""What every page begins with: who asks, for which bag, at which path; and how it ends: as a page, or as bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from strongroom.core.digests import Digest
from strongroom.usecases.room import tree
from strongroom.usecases.room.room import Room
from strongroom.usecases.room.text import TEXT_LIMIT
from strongroom.web.archived import Addresses
from strongroom.web.curator import Curator
from strongroom.web.files import answer
from strongroom.web.look import NothingThereError, TooLongError, message_of, templates

_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})(?:~([0-9a-f]{12}))?\Z")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and under which name."""

    curator: bool
    host: str
    seen: frozenset[str]  # the collections that may be seen


class Desk:
    """Shared by all pages."""

    def __init__(self, room: Room, addresses: Addresses, curator: Curator) -> None:
        self.room, self.curator = room, curator
        self._addresses = addresses
        self._templates = templates()

    # -- who asks for what

    def reader(self, request: Request) -> Reader:
        curator = bool(request.scope["state"]["curator"])
        return Reader(curator, request.headers.get("host", ""), self.room.seen(curator=curator))

    def check(self, reader: Reader, name: str) -> None:
        """Raises NothingThereError where the collection is not to be seen, or does not exist."""
        if name not in reader.seen:
            raise NothingThereError

    def bag(self, db: tree.Db, reader: Reader, request: Request) -> tuple[tree.Bag, str]:
        """The bag that the address names, and its label there. Raises NothingThereError."""
        name, label = request.path_params["name"], request.path_params["label"]
        self.check(reader, name)
        match = _VERSION.match(label)
        bags = tree.bags(db, reader.seen, name)
        found = [bag for bag in bags if match and bag.version == int(match[1]) and (not match[2] or bag.seal.hex.startswith(match[2]))]
        if len(found) != 1:
            raise NothingThereError
        return found[0], label_of(found[0], bags)

    def hidden(self, reader: Reader, name: str) -> tuple[str, ...]:
        """Why nobody but the curator sees the collection."""
        return self.room.hidden_because(name) if reader.curator else ()

    def address(self, reader: Reader, bag: tree.Bag, path: bytes) -> str:
        """Where a file is to be had as it was."""
        return self._addresses.of(reader.host, bag.seal, path, curator=reader.curator)

    # -- contents

    def text(self, digest: Digest, names: frozenset[str], size: int | None) -> bytes:
        """All of a content that is read as text. Raises TooLongError, and as Room.content."""
        if size is not None and size > TEXT_LIMIT:
            raise TooLongError
        content = self.room.content(digest, names)
        if content.size > TEXT_LIMIT:
            raise TooLongError
        return b"".join(content.chunks(0, content.size))

    def bytes(self, request: Request, digest: Digest, names: frozenset[str], headers: dict[str, str]) -> Response:
        """A content as bytes that no browser acts upon. Raises as Room.content."""
        headers = {**headers, "cross-origin-resource-policy": "same-origin", "content-security-policy": "sandbox; default-src 'none'"}
        return answer(
            self.room.content(digest, names), digest, "application/octet-stream", headers, method=request.method,
            range_header=request.headers.get("range"), if_range=request.headers.get("if-range"))

    # -- pages

    def page(self, reader: Reader, template: str, status: int = 200, *, query: str = "", within: str = "", **values: Any) -> Response:
        sources = self._addresses.sources(reader.host)
        policy = (f"default-src 'none'; style-src 'self'; img-src 'self' data: {sources}; media-src {sources}; frame-src {sources}; "
                  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        text = self._templates.get_template(template).render(
            curator=reader.curator, has_token=self.curator.exists, query=query, within=within, **values)
        return HTMLResponse(text, status, {"content-security-policy": policy, "cross-origin-opener-policy": "same-origin"})

    def error(self, request: Request, error: Exception) -> Response:
        """The page for what could not be shown."""
        curator = bool(request.scope.get("state", {}).get("curator"))
        status, heading, text, places = message_of(error)
        reader = Reader(curator, request.headers.get("host", ""), frozenset())
        return self.page(reader, "message.html", status, heading=heading, text=text, places=places)


def label_of(bag: tree.Bag, bags: list[tree.Bag]) -> str:
    """How a bag is named in an address: "v3", and where the label is forked "v3~HEX"."""
    forked = sum(one.version == bag.version for one in bags) > 1
    return f"v{bag.version}~{bag.seal.hex[:12]}" if forked else f"v{bag.version}"


def folder_url(bag: tree.Bag, label: str, path: bytes) -> str:
    return f"/c/{bag.name}/{label}/f/{quote_from_bytes(path, safe='/')}/"


def path_of(request: Request, prefix: str) -> bytes | None:
    """The path below the source that is asked for, after `prefix`, as the bytes it was archived with, a final slash included; None: the
    address has none. Raises NothingThereError for what can be no such path."""
    raw: bytes = request.scope["raw_path"]
    if not raw.startswith(prefix.encode()):
        if raw.rstrip(b"/") == prefix.rpartition("/")[0].rpartition("/")[0].encode():
            return None
        raise NothingThereError
    segments = [unquote_to_bytes(one) for one in raw.removeprefix(prefix.encode()).split(b"/")]
    if any(b"/" in one or one in (b".", b"..") for one in segments) or b"" in segments[:-1]:
        raise NothingThereError
    return b"/".join(segments) or None


def offset_of(request: Request) -> int:
    text = request.query_params.get("from", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
