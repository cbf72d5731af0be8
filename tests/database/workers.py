"""Prefect workers of infra/compose, with its Prefect server, catalogue and S3 server, archive collections that share contents, while the
workers are killed: `python -m tests.database.workers [--kills 20] [--collections 8] [--files 1000] [--shared 100]`.

A worker is killed with every process that it started, as when its machine fails, and started again, as compose.yaml says. Its flow run is
done again by the automations of infra/automations.py; half of the times an operator who does not wait submits the job once more as well.
What may not happen is said in tests/database/trial.py.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.database.trial import BUSY, Plan, Trial
from tests.infra.composed import PATIENCE, Composed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WORKERS: Final = ("worker-1", "worker-2")
#: Prefect takes no heartbeats that are closer. What compose.yaml says would have the trial wait for five minutes after each kill.
HEARTBEAT, SILENCE = 30, 90
AGAIN: Final = "lost, and done again"  # as infra/automations.py says it
_ENDS_IN = (0.0, 30.0)  # seconds after its worker began with it in which a flow run is killed: as long as one takes on a busy machine
_GIVEN_UP = 60.0  # seconds after which a run that is still Crashed is taken for one that Prefect does not begin again
_LOOKED = 15.0  # seconds that a run is under way without a process, when a person believes it


class Workers(Trial):
    """`stack` is up. `automatic`: its Prefect is waited for to do lost runs again; otherwise an operator does it, as operations.md says."""

    def __init__(self, plan: Plan, stack: Composed, *, automatic: bool) -> None:
        super().__init__(plan, stack.root / "collections", stack.root / "manifests", "archive", "collections")
        self.stack, self._automatic = stack, automatic
        self._lock = threading.Lock()
        self._open: dict[str, str] = {}  # the collection of each flow run that has not ended
        self._since: dict[str, float] = {}  # when a flow run was first seen to be lost or crashed
        self._killed: list[tuple[str, datetime]] = []  # flow runs whose worker was
        self._completed: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._over = threading.Event()

    def command(self, machine: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        ended = self.stack.run(WORKERS[machine], ["strongroom", *arguments], STRONGROOM_RUNNER="local")
        return self.done(arguments, ended.returncode, ended.stdout, ended.stderr)

    def client(self) -> S3Client:
        return self.stack.s3("archiver")

    def archive_all(self) -> None:
        for name in self.names:
            self._submit(name)
        killers = [threading.Thread(target=self._kill, args=(worker,)) for worker in WORKERS]
        for killer in killers:
            killer.start()
        last, done = time.monotonic(), -1
        while any(killer.is_alive() for killer in killers) or self._open:
            time.sleep(1)
            self._look()
            if done != (done := self.outcome.kills + self._told["runs"] - len(self._open)):
                last = time.monotonic()
            if time.monotonic() > last + PATIENCE:
                self.outcome.wrong.append(f"nothing goes on: {self._runs()}")
                break
        self._over.set()
        for killer in killers:
            killer.join()
        self.outcome.wrong += [f"{name} has no run that was completed" for name in self.names if not self._completed[name]]
        self._tell()

    def _tell(self) -> None:
        said = self._told
        rows = {"… with a flow run in hand": str(len(self._killed)), "flow runs that were submitted": str(said["runs"])}
        if self._automatic:
            noticed: list[float] = []
            again: dict[str, int] = {}  # a run may be killed more than once
            for run, when in self._killed:
                states = self.stack.ask(f"flow_run_states/?flow_run_id={run}")
                later = [(datetime.fromisoformat(one["timestamp"]) - when).total_seconds() for one in states if one["type"] == "CRASHED"]
                noticed += [min(seconds for seconds in later if seconds > 0)] if later and max(later) > 0 else []
                again[run] = sum(one["message"] == AGAIN for one in states)
            rows["… begun again by Prefect, by a person"] = f"{sum(again.values())}, {said['retried']}"
            if noticed:
                rows["seconds until Prefect noticed, median, most"] = f"{statistics.median(noticed):.0f}, {max(noticed):.0f}"
        rows["submitted once more by a person"] = str(said["submitted"])
        self.outcome.more = rows

    def _submit(self, name: str) -> None:
        run = self.stack.submit("archive", collection=name)
        with self._lock:
            self._open[run] = name
            self._told["runs"] += 1

    # -- what becomes of them

    def _runs(self) -> list[dict[str, Any]]:
        asked = {"flow_runs": {"id": {"any_": list(self._open)}}, "limit": 200}
        return [{name: one[name] for name in ("id", "state", "run_count")} for one in self.stack.ask("flow_runs/filter", asked)]

    def _look(self) -> None:
        held = set().union(*map(self.stack.flow_runs, WORKERS))
        for one in self._runs():
            run, kind, message = one["id"], one["state"]["type"], one["state"]["message"] or ""
            name = self._open[run]
            if kind == "COMPLETED":
                self._completed[name] += 1
                if self.outcome.kills < self.plan.kills:
                    self._submit(name)  # nothing has changed, and nothing may
            elif kind == "FAILED" and BUSY in message:
                self.outcome.busy += 1
            elif kind in ("FAILED", "CANCELLED"):
                self.outcome.wrong.append(f"archive {name}: {kind}: {message[-300:]}")
            else:
                self._help(run, name, lost=kind in ("PENDING", "RUNNING") and run not in held, crashed=kind == "CRASHED")
                continue
            with self._lock:
                del self._open[run]

    def _help(self, run: str, name: str, *, lost: bool, crashed: bool) -> None:
        """What a person does who looks at this run, whose worker may have died. Without hurry: workers tell Prefect with some delay."""
        if not (crashed or (lost and not self._automatic)):
            self._since.pop(run, None)
        elif time.monotonic() > self._since.setdefault(run, time.monotonic()) + (_GIVEN_UP if crashed else _LOOKED):
            del self._since[run]
            if crashed:  # prefect flow-run retry
                self.stack.ask(f"flow_runs/{run}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
                self._told["retried"] += 1
            else:  # prefect deployment run, and prefect flow-run delete
                self._told["submitted"] += 1
                self._submit(name)
                self.stack.ask(f"flow_runs/{run}", method="DELETE")
                with self._lock:
                    del self._open[run]

    def _kill(self, worker: str) -> None:
        while self._begins(worker):
            time.sleep(self.chance.uniform(*_ENDS_IN))
            with self._lock:
                if self.outcome.kills >= self.plan.kills:
                    return
                self.outcome.kills += 1
            held = self.stack.flow_runs(worker)
            self.stack.lose(worker)
            when = datetime.now(UTC)
            self.stack.again(worker)
            with self._lock:
                names = {run: self._open[run] for run in held if run in self._open}
            self._killed += [(run, when) for run in names]
            for name in names.values():
                if self._automatic and self.chance.random() < 0.5:
                    self._told["submitted"] += 1
                    self._submit(name)

    def _begins(self, worker: str) -> bool:
        """Wait until it has begun with a flow run; False when there is nothing more to kill."""
        while self.outcome.kills < self.plan.kills and not self._over.is_set():
            if self.stack.flow_runs(worker):
                return True
            time.sleep(0.1)
        return False


def main() -> int:
    plan = Plan.asked(__doc__, machines=len(WORKERS))
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        root = Path(folder)
        stack = Composed(root, {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT)})
        try:
            stack.start()
            stack.run("deploy", ["python", "/opt/infra/automations.py", "--silence", str(SILENCE)]).check_returncode()
            return Workers(plan, stack, automatic=True).run().told()
        finally:
            stack.stop()


if __name__ == "__main__":
    sys.exit(main())
