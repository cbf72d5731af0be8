"""The server: two sockets, one process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvicorn

from strongroom.core.errors import StrongroomError, UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.room.finding import NotSoundError, OutOfReachError
from strongroom.usecases.room.room import Room
from strongroom.web.app import make_app
from strongroom.web.curator import Curator, read_token
from strongroom.web.guard import Names, host_name, is_address, is_loopback

_AT_ONCE: Final = 200  # requests; more are told to come again
_GRACE: Final = 3  # seconds that answers under way have to end


def serve(
    context: Context, *, host: str, port: int, site_port: int, token_file: Path | None, names: tuple[str, ...], say: Callable[[str], None],
) -> None:
    """Serve until interrupted. A port of 0 is any free one; what was taken is said.

    Raises UsageError: no token where one is demanded, a port that is in use.
    """
    token = read_token(token_file)
    if not is_loopback(host) and token is None:
        raise UsageError(f"--host {host}: others could read here, so a token is wanted: --token-file FILE, or STRONGROOM_BROWSE_TOKEN")
    with ExitStack() as stack:
        sockets = [stack.enter_context(_listen(host, number)) for number in (port, site_port)]
        port, site_port = (one.getsockname()[1] for one in sockets)
        room = stack.enter_context(Room(context, say))
        own = frozenset(host_name(name) for name in (*names, *(() if is_address(host) else (host,))))
        curator = Curator(token, f"strongroom-{port}")
        app = make_app(room, site_port=site_port, names=Names(own), curator=curator, demand=not is_loopback(host))
        shown = f"[{host}]" if ":" in host else host
        say(f"the reading room: http://{shown}:{port}/ (archived pages on port {site_port}; Ctrl-C ends it)")
        if token is not None:
            say(f"the curator enters at http://{shown}:{port}/curator")
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="off", ws="none", http="h11",
            limit_concurrency=_AT_ONCE, timeout_graceful_shutdown=_GRACE)
        logging.getLogger("uvicorn.error").addFilter(lambda record: not _broken_off(record, say))
        uvicorn.Server(config).run(sockets=sockets)


def _broken_off(record: logging.LogRecord, say: Callable[[str], None]) -> bool:
    """An answer that was begun and could not be ended, because the rest turned out to be damaged: that is no fault of the program."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RuntimeError):  # as the framework calls what comes too late to be answered
        error = error.__cause__
    if not isinstance(error, NotSoundError | OutOfReachError):
        return False
    say(f"an answer was broken off: what comes next of the content is damaged, or out of reach: {error}")
    return True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if port:
            raise UsageError(f"{host}:{port}: cannot listen there: {error.strerror}; give another with --port and --site-port") from error
        raise StrongroomError(f"{host}: cannot listen there: {error.strerror}") from error
    return listening
