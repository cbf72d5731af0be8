"""What every request passes first: its Host, its method, who it comes from; and the headers that every answer has."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from strongroom.web.curator import Curator

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-dns-prefetch-control", b"off"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names under which the room is asked for. Another site that gives its own name our address (DNS rebinding) is turned away: it
    cannot make a browser send one of these, nor a bare address."""

    names: frozenset[str]  # besides localhost and addresses

    def knows(self, host: str) -> bool:
        """Whether a Host header, with or without port, may be ours."""
        name = host_name(host)
        return name in ("localhost", *self.names) or is_address(name)


def host_name(host: str) -> str:
    """The name in a Host header, in lower case; "" if it makes no sense.

    >>> host_name("LocalHost:80"), host_name("[::1]:80")
    ('localhost', '::1')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


class Guard:
    """Wraps the room's application. `demand`: nothing at all is answered without the token."""

    def __init__(self, app: App, names: Names, curator: Curator, *, demand: bool) -> None:
        self._app, self._names, self._curator, self._demand = app, names, curator, demand

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(reversed(scope["headers"]))
        path, method = scope["path"], scope["method"]
        answer = partial_send(send)
        if not self._names.knows(headers.get(b"host", b"").decode("latin-1")):
            await plain(answer, 421, "This room is not to be found under that name.")
        elif method not in ("GET", "HEAD") and not (method == "POST" and path == "/curator"):
            await plain(answer, 405, "There is nothing here to be written.", ((b"allow", b"GET, HEAD"),))
        elif (token := _token(scope)) is not None:
            await self._enter(scope, answer, token)
        else:
            scope["state"] = {**scope.get("state", {}), "curator": self._curator.is_here(headers)}
            if self._demand and not scope["state"]["curator"] and path not in ("/curator", "/static/room.css"):
                await self._send_away(headers, answer)
            else:
                await self._app(scope, receive, answer)

    async def _send_away(self, headers: dict[bytes, bytes], send: Send) -> None:
        """To where the token is asked for, if a person comes with a browser."""
        if b"text/html" in headers.get(b"accept", b""):
            await plain(send, 303, "", ((b"location", b"/curator"),))
        else:
            await plain(send, 401, "The curator's token is wanted.", ((b"www-authenticate", b"Bearer"),))

    async def _enter(self, scope: Scope, send: Send, token: str) -> None:
        """A token in the address leaves it at once."""
        if not self._curator.is_token(token):
            await plain(send, 401, "That is not the curator's token.")
            return
        rest = urlencode([(name, value) for name, value in _query(scope) if name != "token"])
        path = "/" + scope["raw_path"].decode("ascii").lstrip("/")  # never another host's
        where = path + (f"?{rest}" if rest else "")
        await plain(send, 303, "", ((b"location", where.encode()), (b"set-cookie", self._curator.opening().encode())))


def partial_send(send: Send) -> Send:
    """Answers with the headers that all have, unless they say otherwise."""

    async def wrapped(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *((name, value) for name, value in _HEADERS if name not in there)]
        await send(message)

    return wrapped


async def plain(send: Send, status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """A few words, and nothing that depends on who asks."""
    body = text.encode()
    start = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()),
             (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _token(scope: Scope) -> str | None:
    return next((value for name, value in _query(scope) if name == "token"), None)
