"""Serving the schedules of all collections: each scheduled job is a Prefect deployment of the flow of its name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows import engine
from flows.server import free_port, stop, wait
from strongroom.usecases.serve.plan import Scheduled

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

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
    port = free_port(_PORT)
    url = f"http://127.0.0.1:{port}/api"
    log = home / "server.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        # In a session of its own: Ctrl-C is for us, and the server is stopped after the runs it must hear of.
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        wait(server, url, f"{log} says")
        os.environ["PREFECT_API_URL"] = url
        yield
    finally:
        stop(server)
