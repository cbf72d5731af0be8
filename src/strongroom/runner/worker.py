"""The worker process: carries out one batch after another until its parent is gone. Imports nothing that it was not asked for."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NoReturn

from strongroom.core.errors import StrongroomError


def main(connection: Connection) -> NoReturn:
    """Answer pickled `(function, batch)` with pickled `(True, result)` or `(False, exception)`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if os.environ.get("STRONGROOM_DEBUG"):
        faulthandler.enable()
    jobs: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, jobs), daemon=True).start()
    while True:
        try:
            connection.send_bytes(_carry_out(jobs.get()))
        except OSError:
            os._exit(0)


def _listen(connection: Connection, jobs: SimpleQueue[bytes]) -> None:
    """Read while the other thread works, so that a parent that died is noticed at once, whatever it died of."""
    try:
        while True:
            jobs.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _carry_out(job: bytes) -> bytes:
    try:
        function, batch = pickle.loads(job)  # noqa: S301 -- from our own parent, over a socket nobody else holds
        return pickle.dumps((True, function(batch)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # SystemExit of a library too must reach the parent
        return pickle.dumps((False, _portable(error)), pickle.HIGHEST_PROTOCOL)


def _portable(error: BaseException) -> Exception:
    """`error` with its traceback as a note, or a StrongroomError in its words if it does not survive pickling."""
    note = "in a worker process:\n" + "".join(traceback.format_exception(error))
    if isinstance(error, Exception):
        try:
            copy: Any = pickle.loads(pickle.dumps(error, pickle.HIGHEST_PROTOCOL))  # noqa: S301
        except Exception:  # exceptions with arguments of their own raise anything here
            copy = None
        if type(copy) is type(error) and str(copy) == str(error):
            error.add_note(note)
            return error
    substitute = StrongroomError(f"{type(error).__name__}: {error}")
    substitute.add_note(note)
    return substitute
