"""Small flows over PrefectRunner, with the shape of the real ones."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.outcome import outcome
from flows.runner import PrefectRunner, task_runner
from strongroom.core.errors import RefusedError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from tests.runner import jobs


@dataclass(frozen=True)
class Report:
    total: int
    exit_status: int = 0

    def summary(self) -> list[str]:
        return [f"the sum is {self.total}"]


def add_up(runner: Runner, count: int) -> int:
    """A use case: as much at home with the local runner."""
    with runner.stage("scan", files=count) as progress:
        numbers = range(count)
        progress.advance(files=count)
    total = sum(runner.map("double {it}", jobs.double, numbers, files=count, weigh=lambda _: (1, 0)))
    runner.say("added up")
    runner.finding(Finding(Code.FORMAT_EMPTY, "data/a", "a name to note"))
    runner.artifact("sum", f"# The sum\n\n{total}")
    return total


@flow(name="sample", flow_run_name="sample {count}", task_runner=task_runner(), persist_result=False)
def sample(count: int, exit_status: int = 0) -> State[Any]:
    with PrefectRunner(2, quiet=True) as runner:
        return outcome(Report(add_up(runner, count), exit_status))


@flow(name="failing", task_runner=task_runner(), persist_result=False)
def failing(folder: str) -> State[Any]:
    with PrefectRunner(2, quiet=True) as runner:
        return outcome(Report(len(list(runner.map("refuse", jobs.refuse, [folder] * 30)))))


@flow(name="failing-stage", task_runner=task_runner(), persist_result=False)
def failing_stage() -> None:
    with PrefectRunner(2, quiet=True) as runner, runner.stage("look"):
        raise RefusedError("the source is empty")


@flow(name="slow-reader", task_runner=task_runner(), persist_result=False)
def slow_reader(folder: str) -> State[Any]:
    with PrefectRunner(2, quiet=True) as runner:
        results = runner.map("mark", jobs.mark, [folder] * 60)
        next(results)
        time.sleep(1)
        seen = len(list(Path(folder).iterdir()))
        return outcome(Report(seen + len(list(results)) * 1000))


@flow(name="forgetful", task_runner=task_runner(), persist_result=False)
def forgetful(file: str, count: int) -> State[Any]:
    with PrefectRunner(2, quiet=True) as runner:
        return outcome(Report(jobs.drop_each(runner, Path(file), count)))


@flow(name="sleeper", task_runner=task_runner(), persist_result=False)
def sleeper(folder: str) -> int:
    with PrefectRunner(2, quiet=True) as runner:
        return sum(runner.map("sleep", jobs.sleep, [(folder, jobs.NAP)] * 20))
