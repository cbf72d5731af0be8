"""Both applications together: the room's pages, and the origin of archived files."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from strongroom.core.errors import StrongroomError
from strongroom.usecases.room.finding import NotSoundError, OutOfReachError
from strongroom.usecases.room.reading import StillReadingError
from strongroom.usecases.room.room import Room, WithheldError
from strongroom.web.archived import Addresses, Archived, Tickets
from strongroom.web.curator import Curator
from strongroom.web.desk import Desk
from strongroom.web.filepages import FilePages
from strongroom.web.guard import App, Guard, Names, Receive, Scope, Send
from strongroom.web.look import NothingThereError, TooLongError
from strongroom.web.pages import Pages

_FORM_LIMIT = 4096  # bytes


class _Any(Convertor[str]):
    """Whatever follows: a name may have a line feed."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def make_app(room: Room, *, site_port: int, names: Names, curator: Curator, demand: bool) -> App:
    """An application for both ports; `demand`: the room is not on loopback, and nothing is answered without the token.

    On the second port a ticket in the address is what is asked for instead.
    """
    tickets = Tickets()
    pages = Guard(_pages(Desk(room, Addresses(tickets, site_port), curator)), names, curator, demand=demand)
    archived = Archived(room, tickets, names)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (archived if scope["server"][1] == site_port else pages)(scope, receive, send)

    return app


def _pages(desk: Desk) -> App:
    file_pages = FilePages(desk)
    pages = Pages(desk, file_pages)
    style = files("strongroom.web").joinpath("static/room.css").read_bytes()

    def css(_: Request) -> Response:
        return Response(style, media_type="text/css", headers={"cache-control": "max-age=60"})

    async def enter(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _FORM_LIMIT:
                return PlainTextResponse("That is no token.", 413)
        return await run_in_threadpool(pages.enter, request, bytes(body))

    def refused(request: Request, error: Exception) -> Response:
        return desk.error(request, error)

    def missing(request: Request, _: Exception) -> Response:
        return desk.error(request, NothingThereError())

    def failed(_: Request, error: Exception) -> Response:
        return PlainTextResponse(f"This cannot be shown now: {error}", 503)

    register_url_convertor("any", _Any())
    bag = "/c/{name}/{label}"
    routes = [
        Route("/", pages.collections), Route("/c/{name}", pages.collection), Route(bag, pages.bag), Route(bag + "/", pages.bag),
        Route(bag + "/f/{path:any}", pages.bag), Route(bag + "/d/{path:any}", file_pages.download), Route("/search", pages.search),
        Route("/compare/{a}/{b}", file_pages.compare), Route("/.well-known/ni/sha-256/{digest}", file_pages.named),
        Route("/curator", pages.curator), Route("/curator", enter, methods=["POST"]), Route("/static/room.css", css),
    ]
    handlers: Any = {
        HTTPException: missing, NothingThereError: refused, NotSoundError: refused, OutOfReachError: refused, StillReadingError: refused,
        TooLongError: refused, WithheldError: refused, StrongroomError: failed, sqlite3.Error: failed,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app
