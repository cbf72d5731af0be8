"""Prefect servers of our own on this machine. Importing this does not import Prefect."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Final

from strongroom.core.errors import StrongroomError

_STARTING: Final = 300  # seconds that a server may take on a slow machine
_STOPPING: Final = 20
#: As Prefect starts its temporary server; and it ends with us, even if we are killed: then its standard input does.
_TEMPORARY: Final = """\
import os, signal, socket, sys, threading
def end():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end, daemon=True).start()
import uvicorn
config = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])
"""
_TEMPORARY_ENVIRONMENT: Final = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


def start_temporary() -> None:
    """Start a server that lives as long as this process, and make it the configured API. To be called before Prefect is imported.

    Prefect would start the same, but loads the whole server into this process as well, 70 MB, to do so. Raises StrongroomError if it
    does not come up.
    """
    quiet = None if os.environ.get("STRONGROOM_DEBUG") else subprocess.DEVNULL
    with socket.socket() as held:  # until it listens, in some seconds, anybody could take a port that was only looked for
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api"
        server = subprocess.Popen(  # noqa: S603 -- our own interpreter
            [sys.executable, "-P", "-c", _TEMPORARY, str(held.fileno())], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=quiet,
            env={**os.environ, **_TEMPORARY_ENVIRONMENT}, pass_fds=[held.fileno()],
            start_new_session=True,  # Ctrl-C is for us: it must hear how the runs ended
        )
    atexit.register(stop, server)  # the last of all, since Prefect, which tells it of its runs to the end, registers later
    wait(server, url, "`STRONGROOM_DEBUG=1` shows")
    os.environ["PREFECT_API_URL"] = url


def wait(server: subprocess.Popen[bytes], url: str, why: str) -> None:
    """Until the server answers. Raises StrongroomError if it does not; `why` says who knows more."""
    end = time.monotonic() + _STARTING
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 -- http://127.0.0.1, made by the caller
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise StrongroomError(f"a Prefect server on this machine did not come up within {_STARTING} s; {why} why")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOPPING)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def free_port(preferred: int) -> int:
    """This one on 127.0.0.1, or any other. Raises StrongroomError."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StrongroomError("no free port on 127.0.0.1 for a Prefect server")
