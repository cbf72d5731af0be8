"""What may happen to one request: actions of the proxy, and which requests they happen to."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.faults.s3.proxy import Action, Exchange, Message

Where = Callable[[Message], bool]


def request(method: str, pattern: str = "") -> Where:
    """Requests of this method (several joined by "|") whose path and query match."""
    return lambda message: message.method in method.split("|") and re.search(pattern, message.target) is not None


# -- nothing arrives


def reset_request(share: float) -> Action:
    """The connection breaks after this share of the body."""
    def act(exchange: Exchange) -> None:
        exchange.forward_part(_part(exchange, share))
        exchange.cut()
    return act


def stall_request(exchange: Exchange) -> None:
    """Nobody reads the request."""
    exchange.received = True
    exchange.stall()


def answer(status: int, code: str = "", *, message: str = "a fault of the test", headers: tuple[tuple[str, str], ...] = ()) -> Action:
    """This answer, and the server does not get to know of the request."""
    def act(exchange: Exchange) -> None:
        exchange.receive()
        exchange.reply(error_reply(exchange.request.method, status, code, message, headers))
    return act


def error_reply(method: str, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Message:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    if not code:
        body = b"<html><body>nothing here</body></html>"
    shown = [*headers, ("Content-Type", "application/xml" if code else "text/html"), ("Content-Length", str(len(body)))]
    return Message(f"HTTP/1.1 {status} Fault", shown, b"" if method == "HEAD" else body)


# -- it arrives, and something happens to the reply


def lose_reply(exchange: Exchange) -> None:
    """The request takes effect; its reply is lost."""
    exchange.forward()
    exchange.cut()


def stall_reply(exchange: Exchange) -> None:
    """The request takes effect; its reply never comes."""
    exchange.forward()
    exchange.stall()


def truncate_reply(share: float, *, with_length: bool = True, abruptly: bool = False) -> Action:
    """The reply ends, or breaks, after this share of its body."""
    def act(exchange: Exchange) -> None:
        reply = exchange.forward()
        if not with_length:
            reply = reply.without("content-length")
            reply.headers.append(("Connection", "close"))
        exchange.reply(reply, int(len(reply.body) * share))
        if abruptly:
            exchange.cut()
        exchange.received = False  # hang up
    return act


def error_after(status: int, code: str) -> Action:
    """The request takes effect; the answer says that it did not."""
    def act(exchange: Exchange) -> None:
        exchange.forward()
        exchange.reply(error_reply(exchange.request.method, status, code, "a fault of the test"))
    return act


def flip_up(random: Random) -> Action:
    """One bit of the body is another when it arrives."""
    def act(exchange: Exchange) -> None:
        exchange.receive()
        exchange.request.body = flipped(exchange.request.body, random)
        exchange.reply(exchange.forward())
    return act


def flip_down(random: Random) -> Action:
    """One bit of the reply's body is another when it arrives."""
    def act(exchange: Exchange) -> None:
        reply = exchange.forward()
        reply.body = flipped(reply.body, random)
        exchange.reply(reply)
    return act


def flipped(body: bytes, random: Random) -> bytes:
    if not body:
        return body
    changed = bytearray(body)
    changed[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return bytes(changed)


# -- others are there at the same time


def written_before(put: Callable[[str, bytes], None], *, equal: bool) -> Action:
    """Somebody else writes the key a moment before: `put(path, bytes)`, with the same bytes or others."""
    def act(exchange: Exchange) -> None:
        exchange.receive()
        put(exchange.request.target, exchange.request.body if equal else b"other bytes")
        exchange.reply(exchange.forward())
    return act


def deny(exchange: Exchange) -> None:
    answer(403, "AccessDenied")(exchange)


def deletes_or_replaces(message: Message) -> bool:
    """Whether a request wants what a custodian's writer is not allowed: to delete, or to write where something may be already.

    Parts of an upload, and its beginning, replace nothing; its completion does.
    """
    path, _, query = message.target.partition("?")
    if message.method == "DELETE":
        return "uploadId=" not in query and path.count("/") > 1
    if message.method == "PUT" and "partNumber=" not in query and path.strip("/").count("/"):
        return message.get("if-none-match") != "*"
    return message.method == "POST" and "uploadId=" in query and message.get("if-none-match") != "*"


def _part(exchange: Exchange, share: float) -> int:
    return int(int(exchange.request.get("content-length") or 0) * share)
