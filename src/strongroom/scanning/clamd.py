"""clamd by its socket: the commands VERSION and INSTREAM of clamd(8), one connection for each content."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from strongroom.core.scans import CLEAN, INFECTED, REFUSED, TOO_LARGE, Scan
from strongroom.scanning.interface import ScannerError

_CHUNK: Final = 256 * 1024
_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 900.0  # clamd itself gives up on a content after MaxScanTime, two minutes by default
_PAUSES: Final = (0.0, 1.0, 3.0, 10.0)  # seconds before each try to connect: clamd does not answer while it starts again
_LONGEST: Final = 64 * 1024  # bytes of an answer
#: What it says of a content beyond a limit of its own, where `AlertExceedsMax` is set: as if that were found in it.
_LIMITS: Final = "Heuristics.Limits.Exceeded"


class Clamd:
    """The clamd at a socket's path, or at HOST:PORT."""

    def __init__(self, address: str) -> None:
        self._address = address

    def signatures(self) -> str:
        with self._connected() as connection:
            connection.sendall(b"zVERSION\0")
            answer = self._answer(connection)
        if not answer.startswith("ClamAV "):
            raise ScannerError(f"{self._address}: what answers there is no clamd: {answer[:200]!r}")
        return answer

    def scan(self, contents: Mapping[bytes, bytes]) -> dict[bytes, Scan]:
        return {name: self.scan_stream((content,)) for name, content in contents.items()}

    def scan_stream(self, chunks: Iterable[bytes]) -> Scan:
        with self._connected() as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough, and its answer says why
                connection.sendall(b"zINSTREAM\0")
                for chunk in chunks:
                    for at in range(0, len(chunk), _CHUNK):
                        part = chunk[at : at + _CHUNK]
                        connection.sendall(struct.pack("!I", len(part)) + part)
                connection.sendall(struct.pack("!I", 0))
            return verdict(self._answer(connection))

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        try:
            with self._connect() as connection:
                yield connection
        except TimeoutError as error:
            raise ScannerError(f"{self._address}: clamd does not answer; see whether it is stuck, and run this again") from error
        except OSError as error:
            what = f"clamd ended the conversation ({error.strerror or error}); see its log, and run this again"
            raise ScannerError(f"{self._address}: {what}") from error

    def _connect(self) -> socket.socket:
        problem: OSError | None = None
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                connection = self._connect_once()
            except OSError as error:
                problem = error
                continue
            connection.settimeout(_ANSWER_SECONDS)
            return connection
        raise ScannerError(f"{self._address}: no clamd answers there ({problem}). Start it, or take `scan` out of the collection manifest")

    def _connect_once(self) -> socket.socket:
        if not self._address.startswith("/"):
            host, _, port = self._address.rpartition(":")
            return socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(self._address)
        except OSError:
            connection.close()
            raise
        return connection

    def _answer(self, connection: socket.socket) -> str:
        answer = b""
        with suppress(ConnectionResetError):  # where it closed with some of what was sent unread
            while not answer.endswith(b"\0") and len(answer) < _LONGEST and (more := connection.recv(4096)):
                answer += more
        if not answer:
            raise ScannerError(f"{self._address}: clamd ended the conversation without an answer; see its log, and run this again")
        return answer.rstrip(b"\0").decode("utf-8", "replace")


def verdict(answer: str) -> Scan:
    """What an answer to INSTREAM means. Raises ScannerError for one that means nothing.

    >>> verdict("stream: Eicar-Signature FOUND")
    Scan(outcome='infected', detail='Eicar-Signature')
    """
    words = answer.removeprefix("stream: ")
    if words == "OK":
        return Scan(CLEAN)
    if words.endswith(" FOUND"):
        name = words.removesuffix(" FOUND")
        return Scan(TOO_LARGE, name) if name.startswith(_LIMITS) else Scan(INFECTED, name)
    if words.endswith("ERROR"):
        reason = words.removesuffix("ERROR").strip(" .")
        return Scan(TOO_LARGE if "size limit exceeded" in words else REFUSED, reason)
    raise ScannerError(f"clamd gave an answer that means nothing: {answer[:200]!r}")
