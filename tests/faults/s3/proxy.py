"""A proxy on 127.0.0.1 in front of a real S3 server, that does to requests and replies what networks and servers do on bad days.

One thread for each connection; bodies are held in memory. Over TLS it presents a certificate of the tests' own authority (tls.py).
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PATIENCE = 600.0  # seconds that a stalled exchange is held: more than any client of these tests waits
_CHUNK = 1 << 16


class Broken(Exception):
    """The exchange is over, and so is the connection."""


@dataclass
class Message:
    """A request or a reply: its first line, its headers in order, its body."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def without(self, *names: str) -> Message:
        return Message(self.start, [header for header in self.headers if header[0].lower() not in names], self.body)

    def head(self) -> bytes:
        return "\r\n".join([self.start, *(f"{key}: {value}" for key, value in self.headers), "", ""]).encode("latin-1")

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        """Path and query."""
        return self.start.split(" ")[1]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])


@dataclass
class Exchange:
    """One request under way. An action reads it, forwards it, and replies, or does not."""

    client: socket.socket
    server: str  # "127.0.0.1:12345"
    request: Message  # its body is read by `receive`
    patience: threading.Event
    received: bool = False

    def receive(self, limit: int | None = None) -> None:
        """Take the body in, or its first `limit` bytes."""
        if self.received:
            return
        self.received = True
        length = int(self.request.get("content-length") or 0)
        if length and self.request.get("expect").lower() == "100-continue":
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.request.body = read_exactly(self.client, length if limit is None else min(limit, length))

    def forward(self) -> Message:
        """What the real server answers to the request as it is now."""
        self.receive()
        with connect(self.server) as upstream:
            try:
                head = self.request.without("expect", "connection").head()[:-2] + b"Connection: close\r\n\r\n"
                upstream.sendall(head + self.request.body)
                return read_reply(upstream, self.request.method)
            except OSError as error:
                raise Broken from error

    def forward_part(self, count: int) -> None:
        """Send the head and `count` bytes of the body to the real server, and hang up on it."""
        self.receive(count)
        with connect(self.server) as upstream, contextlib.suppress(OSError):
            upstream.sendall(self.request.without("expect").head() + self.request.body[:count])
            reset(upstream)

    def reply(self, message: Message, count: int | None = None) -> None:
        """Send a reply, or its head and the first `count` bytes of its body."""
        self.client.sendall(message.head() + message.body[:count])

    def stall(self) -> None:
        """Say nothing until the client has lost patience (or the proxy is closed)."""
        self.client.settimeout(0.2)
        for _ in range(int(_PATIENCE / 0.2)):
            if self.patience.is_set():
                break
            try:
                if not self.client.recv(1, socket.MSG_PEEK if not isinstance(self.client, ssl.SSLSocket) else 0):
                    break
                self.patience.wait(0.2)  # it goes on sending, and nobody reads
            except TimeoutError:
                continue
            except OSError:
                break
        raise Broken

    def cut(self) -> None:
        """Reset the connection: what was sent may be lost on the way."""
        reset(self.client)
        raise Broken


Action = Callable[[Exchange], None]


@dataclass
class Fault:
    """`act` on the requests that `where` accepts: not the first `skip` of them, then `times` of them."""

    act: Action
    where: Callable[[Message], bool]
    times: int = 1
    skip: int = 0
    done: int = 0  # requests it was done to
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, request: Message) -> bool:
        with self._lock:
            if self.done >= self.times or not self.where(request):
                return False
            if self.skip:
                self.skip -= 1
                return False
            self.done += 1
            return True


class Proxy:
    """Listens on a free port of 127.0.0.1. `fault` may be changed at any time."""

    def __init__(self, endpoint: str, tls: ssl.SSLContext | None = None) -> None:
        self.server = urlsplit(endpoint).netloc
        self.tls = tls
        self.fault: Fault | None = None
        self.seen: list[str] = []  # first lines of requests
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._held = socket.socket()  # bound and silent: nobody else gets the port while the proxy is down
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self._listener = self._listen(self.port)

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _listen(self, port: int) -> socketserver.ThreadingTCPServer:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy.serve(self.request)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            block_on_close = False
            request_queue_size = 64

        listener = Listener(("127.0.0.1", port), Handler)
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return listener

    def down(self) -> None:
        """Refuse connections from now on, and break those there are."""
        self._listener.shutdown()
        self._listener.server_close()
        for client in list(self._open):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def up(self) -> None:
        """Listen again, on the port it had."""
        self._listener = self._listen(self.port)

    @contextlib.contextmanager
    def doing(self, fault: Fault | None) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def close(self) -> None:
        self._over.set()
        self.down()
        self._held.close()

    def serve(self, plain: socket.socket) -> None:
        plain.settimeout(_PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(Broken, OSError, ValueError):
            client = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with client, self._noted(client):
                while not self._over.is_set():
                    self._one(Exchange(client, self.server, read_head(client), self._over))

    @contextlib.contextmanager
    def _noted(self, client: socket.socket) -> Iterator[None]:
        self._open.add(client)
        try:
            yield
        finally:
            self._open.discard(client)

    def _one(self, exchange: Exchange) -> None:
        self.seen.append(exchange.request.start)
        fault = self.fault
        if fault is not None and fault.takes(exchange.request):
            fault.act(exchange)
        else:
            exchange.reply(exchange.forward())
        if not exchange.received:
            raise Broken  # the rest of the body is not the next request


def connect(server: str) -> socket.socket:
    host, port = server.split(":")
    try:
        return socket.create_connection((host, int(port)), timeout=_PATIENCE)
    except OSError as error:
        raise Broken from error


def reset(plain: socket.socket) -> None:
    """Close so that the other side sees ECONNRESET, not an end."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def read_exactly(plain: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        data = plain.recv(min(length, _CHUNK))
        if not data:
            raise Broken
        parts.append(data)
        length -= len(data)
    return b"".join(parts)


def read_line(plain: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\r\n"):
        line += read_exactly(plain, 1)
    return bytes(line[:-2])


def read_head(plain: socket.socket) -> Message:
    """Up to the empty line; one byte at a time, since what follows belongs to others."""
    start = read_line(plain).decode("latin-1")
    headers = []
    while line := read_line(plain).decode("latin-1"):
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    return Message(start, headers)


def read_reply(upstream: socket.socket, method: str) -> Message:
    """A whole reply, with its length in place of chunks."""
    reply = read_head(upstream)
    while reply.status == 100:
        reply = read_head(upstream)
    if method == "HEAD" or reply.status in (204, 304):
        return reply.without("connection")
    if reply.get("transfer-encoding").lower() == "chunked":
        chunks = []
        while size := int(read_line(upstream).split(b";")[0], 16):
            chunks.append(read_exactly(upstream, size))
            read_line(upstream)
        body = b"".join(chunks)
    elif reply.get("content-length"):
        body = read_exactly(upstream, int(reply.get("content-length")))
    else:
        body = b"".join(iter(lambda: upstream.recv(_CHUNK), b""))
    whole = reply.without("transfer-encoding", "connection", "content-length")
    whole.headers.append(("Content-Length", str(len(body))))
    whole.body = body
    return whole
