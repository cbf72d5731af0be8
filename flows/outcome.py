"""How a flow run ends: Completed, or Failed in so many words when the report holds findings of severity error.

`recorded` goes under @flow on every job: it remembers the run in the catalogue, as the command line does for runs without Prefect.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from strongroom.core.findings import printable
from strongroom.usecases.access import tellable
from strongroom.usecases.context import Context
from strongroom.usecases.recording import Report, recording
from strongroom.usecases.report.words import markdown

Parameters = ParamSpec("Parameters")


def outcome(report: Report) -> State[Any]:
    """The final state of a flow run that ended with `report`, which it carries without keeping it in Prefect."""
    message = printable("; ".join(line.strip() for line in report.summary()))[:1000]
    return Failed(message=message, data=report) if report.exit_status else Completed(message=message, data=report)


def recorded(function: Callable[Parameters, State[Any]]) -> Callable[Parameters, State[Any]]:
    """`function`, which ends with `outcome(report)`, with each of its runs remembered, told, and kept as an artifact of the flow run."""
    job = function.__name__
    signature = inspect.signature(function)

    @wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> State[Any]:
        parameters = signature.bind(*args, **kwargs).arguments
        log = get_run_logger()
        with recording(Context.from_environment(), job, parameters, log.warning) as record:
            state = function(*args, **kwargs)
            record.report = cast(Report, state.data)
        if record.row is not None:
            key, text = tellable(Context.from_environment(), f"run-{job}", markdown(record.row), record.row.collection)
            create_markdown_artifact(key=key, markdown=text)
        return state

    return run
