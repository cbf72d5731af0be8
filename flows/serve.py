"""Serving the schedules of all collections: each scheduled job is a Prefect deployment of the flow of its name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows import engine
from strongroom.core.errors import StrongroomError
from strongroom.usecases.serve.plan import Scheduled

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

_STARTING: Final = 120  # seconds that a server may take on a slow machine
_STOPPING: Final = 20
_PORT: Final = 4200  # where people look for Prefect


def serve(jobs: Sequence[Scheduled], home: Path, *, at_once: int) -> None:
    """Run these jobs at their times until interrupted, at most `at_once` of them together.

    With a configured Prefect API they are served from there; otherwise a Prefect server of our own runs beside, on this machine alone,
    with its state in `home`. A job that should have run while nobody served is not made up for: `strongroom status` shows it as overdue.
    Raises StrongroomError if Prefect does not come up.
    """
    engine.prepare()
    with _api(home):
        from prefect import serve as serve_deployments  # noqa: PLC0415 -- only once prepared, and knowing where its API is

        serve_deployments(*map(deployment, jobs), limit=at_once, print_starting_message=False)


def deployment(job: Scheduled) -> RunnerDeployment:
    """The deployment of a job: "archive/lanternmoor". Loaded by module, so that it works from any folder and from a wheel."""
    from prefect.schedules import Cron  # noqa: PLC0415
    from prefect.types.entrypoint import EntrypointType  # noqa: PLC0415

    flow = getattr(import_module(f"flows.{job.job}"), job.job)
    made: RunnerDeployment = flow.to_deployment(
        job.name, schedule=Cron(job.cron, timezone=job.timezone), parameters=dict(job.parameters), tags=["strongroom"],
        entrypoint_type=EntrypointType.MODULE_PATH, description=f"{job}, as its collection manifest says",
    )
    return made


@contextmanager
def _api(home: Path) -> Iterator[None]:
    if engine.configured_api() is not None:
        engine.reach_api()
        yield
        return
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ.setdefault("PREFECT_HOME", str(home))
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = home / "server.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        # In a session of its own: Ctrl-C is for us, and the server is stopped after the runs it must hear of.
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        _wait(server, url, log)
        os.environ["PREFECT_API_URL"] = url
        yield
    finally:
        server.terminate()
        try:
            server.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _STARTING
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 -- http://127.0.0.1, made above
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise StrongroomError(f"a Prefect server on this machine did not come up within {_STARTING} s; {log} says why")


def _free_port() -> int:
    for port in (_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StrongroomError("no free port on 127.0.0.1 for a Prefect server")
