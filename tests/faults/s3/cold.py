"""Cold storage classes as AWS documents them (HeadObject, GetObject, RestoreObject), in front of a server that only remembers the class.

No server that can be run here has them, so these are the documented answers, not recorded from AWS.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import unquote

from strongroom.core.warmth import FROZEN
from tests.faults.s3.actions import error_reply
from tests.faults.s3.proxy import Exchange, Fault, Message


@dataclass
class Glacier:
    """`asked`: how often each path was asked for; `thaw()` lets time pass. Give `fault()` to a proxy."""

    asked: dict[str, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    ready: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self) -> Fault:
        return Fault(self.act, lambda _: True, times=1 << 60)

    def thaw(self) -> None:
        self.ready |= set(self.asked)

    def act(self, exchange: Exchange) -> None:
        request = exchange.request
        path, _, query = request.target.partition("?")
        if request.method == "POST" and query.startswith("restore"):
            exchange.receive()
            exchange.reply(self._ask(unquote(path), request.body))
            return
        reply = exchange.forward()
        if request.method in ("GET", "HEAD") and reply.status in (200, 206) and reply.get("x-amz-storage-class") in FROZEN:
            reply = self._frozen(request.method, unquote(path), reply)
        exchange.reply(reply)

    def _ask(self, path: str, body: bytes) -> Message:
        with self._lock:
            self.bodies.append(body)
            if path in self.asked:
                return error_reply("POST", 409, "RestoreAlreadyInProgress", "Object restore is already in progress")
            self.asked[path] = 1
            return Message("HTTP/1.1 202 Accepted", [("Content-Length", "0")])

    def _frozen(self, method: str, path: str, reply: Message) -> Message:
        if path in self.ready:
            reply.headers.append(("x-amz-restore", 'ongoing-request="false", expiry-date="Fri, 21 Dec 2040 00:00:00 GMT"'))
        elif method == "GET":
            return error_reply("GET", 403, "InvalidObjectState", "The operation is not valid for the object's storage class")
        elif path in self.asked:
            reply.headers.append(("x-amz-restore", 'ongoing-request="true"'))
        return reply
