"""Archived files as they were, on an origin of their own: a page with its pictures and style, and nothing in it that acts.

Each bag has a name of its own there, `http://TICKET.localhost:PORT/`, so that links work, also those that begin with a slash; or, where the
room is not on loopback, a folder: `http://HOST:PORT/TICKET/`. A ticket cannot be guessed. It is given to whoever may see the bag, and one
that was given to the public is worth nothing from the moment at which the public may not see the bag any more.

The policy makes of every document a sandbox without scripts, forms, popups, top navigation or an origin that it shares with anything, and
lets it load nothing but files of the same bag.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from strongroom.core.digests import Digest
from strongroom.usecases.room import tree
from strongroom.usecases.room.finding import NotSoundError, OutOfReachError
from strongroom.usecases.room.reading import StillReadingError
from strongroom.usecases.room.room import Room, WithheldError
from strongroom.web.files import answer
from strongroom.web.guard import Names, Receive, Scope, Send, host_name, is_loopback, partial_send, plain
from strongroom.web.types import served_type

_SUFFIX: Final = ".localhost"
_LINKS: Final = 10  # symbolic links that are followed for one file
_INDEXES: Final = (b"index.html", b"index.htm", b"index.php", b"default.htm")


class Tickets:
    """Names for bags on the origin of archived files, for as long as this process lives."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._given: dict[str, tuple[Digest, bool]] = {}
        self._lock = threading.Lock()

    def give(self, seal: Digest, *, curator: bool) -> str:
        """One that cannot be guessed: 32 of a–z 2–7."""
        raw = hmac.digest(self._secret, (b"curator" if curator else b"public") + seal.raw, hashlib.sha256)
        ticket = base64.b32encode(raw[:20]).decode().lower()
        with self._lock:
            self._given[ticket] = seal, curator
        return ticket

    def find(self, ticket: str) -> tuple[Digest, bool] | None:
        """The bag, and whether a curator was given the ticket."""
        return self._given.get(ticket)


class Addresses:
    """Where archived files are asked for, by how the room itself was."""

    def __init__(self, tickets: Tickets, port: int) -> None:
        self.tickets, self._port = tickets, port

    def sources(self, host: str) -> str:
        """The origins, as a policy names them."""
        name = host_name(host)
        return f"http://*{_SUFFIX}:{self._port}" if is_loopback(name) else f"http://{_bracketed(name)}:{self._port}"

    def of(self, host: str, seal: Digest, path: bytes, *, curator: bool) -> str:
        """The address of a path of a bag."""
        name, ticket = host_name(host), self.tickets.give(seal, curator=curator)
        base = f"http://{ticket}{_SUFFIX}:{self._port}/" if is_loopback(name) else f"http://{_bracketed(name)}:{self._port}/{ticket}/"
        return base + quote_from_bytes(path, safe="/")


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


class Archived:
    """The application on the second port."""

    def __init__(self, room: Room, tickets: Tickets, names: Names) -> None:
        self._room, self._tickets, self._names = room, tickets, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        send = partial_send(send)
        request = Request(scope)
        if scope["method"] not in ("GET", "HEAD") or request.headers.get("service-worker"):
            await plain(send, 405, "There is nothing here to be written, and nothing to be installed.", ((b"allow", b"GET, HEAD"),))
            return
        response = await run_in_threadpool(self._answer, request)
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        name = host_name(request.headers.get("host", ""))
        path = request.scope["raw_path"].removeprefix(b"/")
        if name.endswith(_SUFFIX):
            ticket, base = name.removesuffix(_SUFFIX), "/"
        elif self._names.knows(name):
            first, _, path = path.partition(b"/")
            ticket = first.decode("latin-1")
            base = f"/{ticket}/"
        else:
            return PlainTextResponse("These files are not to be found under that name.", 421)
        given = self._tickets.find(ticket)
        if given is None:
            return _missing()
        with self._room.index() as db:
            bag = tree.find_bag(db, given[0])
            if bag is None or bag.name not in self._room.seen(curator=given[1]):
                return _missing()
            found = self._find(db, bag, path, request.scope["query_string"])
            if found is None:
                return _missing()
            where, entry = found
            if where is not None:
                return RedirectResponse(base + quote_from_bytes(where, safe="/"), 302, _policy(request, base, "text/plain"))
        return self._file(request, bag, entry, base)

    def _find(self, db: tree.Db, bag: tree.Bag, raw: bytes, query: bytes) -> tuple[bytes | None, tree.Entry] | None:
        """The file at a path of an address. The first of the two: where else it is to be asked for, so that its own links work."""
        segments = [unquote_to_bytes(one) for one in raw.split(b"/")]
        as_folder = segments[-1] == b""
        names = segments[:-1] if as_folder else segments
        if not as_folder and query:  # mirrors keep `index.php?id=3` under that name
            entry = tree.entry_at(db, bag.root, [*names[:-1], names[-1] + b"?" + unquote_to_bytes(query)])
            if entry is not None and entry.sha is not None:
                return None, entry
        entry = tree.entry_at(db, bag.root, names) if names else None
        if entry is not None and entry.target is not None:
            return self._follow(db, bag, names)
        if entry is not None and entry.sha is not None:
            return None if as_folder else (None, entry)
        folder = bag.root if not names else entry.child if entry is not None else None
        if folder is None:
            return None
        for name in _INDEXES:
            index = tree.entry_at(db, folder, [name])
            if index is not None and index.sha is not None:
                return (None if as_folder else b"/".join(names) + b"/"), index
        return None

    def _follow(self, db: tree.Db, bag: tree.Bag, names: list[bytes]) -> tuple[bytes, tree.Entry] | None:
        for _ in range(_LINKS):
            entry = tree.entry_at(db, bag.root, names)
            if entry is None or entry.target is None:
                return None if entry is None or entry.sha is None else (b"/".join(names), entry)
            resolved: list[bytes] = []
            for name in [*names[:-1], *entry.target.split(b"/")]:
                if name == b".." and not resolved:
                    return None  # out of the bag
                if name == b"..":
                    resolved.pop()
                elif name not in (b"", b"."):
                    resolved.append(name)
            if entry.target.startswith(b"/") or not resolved:
                return None
            names = resolved
        return None

    def _file(self, request: Request, bag: tree.Bag, entry: tree.Entry, base: str) -> Response:
        assert entry.sha is not None
        digest = Digest.from_bytes(entry.sha)
        kind = served_type(entry.name, entry.type)
        try:
            content = self._room.content(digest, frozenset({bag.name}))
            return answer(
                content, digest, kind, _policy(request, base, kind), method=request.method,
                range_header=request.headers.get("range"), if_range=request.headers.get("if-range"))
        except WithheldError:
            return _say(410, "This file was withdrawn from the archive and is not shown.")
        except NotSoundError:
            return _say(502, "This file is damaged in the archive, and no sound copy of it was found. It is not shown.")
        except OutOfReachError:
            return _say(503, "The store that holds this file does not answer. That says nothing about the file; try again later.")
        except StillReadingError:
            return _say(503, "This large file is being read and verified for the first time. Try again in a moment.", {"retry-after": "5"})


def _policy(request: Request, base: str, kind: str) -> dict[str, str]:
    own = f"http://{_bracketed(host_name(request.headers.get('host', '')))}:{request.scope['server'][1]}{base}"
    loads = (f"default-src 'none'; img-src {own} data:; style-src {own} 'unsafe-inline'; font-src {own} data:; media-src {own} data:; "
             f"frame-src {own}; form-action 'none'; base-uri 'none'")
    if kind == "application/pdf":  # browsers show none in a sandbox; what is in it runs, if at all, in their viewer's
        return {"content-security-policy": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none'"}
    return {"content-security-policy": f"sandbox; {loads}"}


def _missing() -> Response:
    return _say(404, "Nothing of that name is kept in this bag.")


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, {"content-security-policy": "sandbox; default-src 'none'", **(headers or {})})
