"""Have a Prefect server do again what a dead worker left: python infra/automations.py [--silence 300] [--times 3]

Prefect notices nothing: such a run is shown as Running for ever. Two automations: a run that a worker took and that gives no sign of life
for `--silence` seconds is Crashed; a run that is Crashed, whoever said so, is Scheduled again, for any worker. Signs are heartbeats, one
each PREFECT_FLOWS_HEARTBEAT_FREQUENCY seconds: let several be missed. Only runs tagged `strongroom` are looked at, as those of
prefect.yaml are.

A run that was wrongly taken for dead meets its second self at the catalogue's locks, and a bag is sealed once: a mistake loses nothing.
Needs PREFECT_API_URL. May be run again at any time: what is there by these names and differs is replaced.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

LOST, AGAIN = "strongroom: a run without a sign of life is lost", "strongroom: a lost run is done again"


def automations(silence: int, times: int) -> list[AutomationCore]:
    """`silence` in seconds. A run is begun `times` times more at most, and is not done again if it is lost once more within `silence`."""
    from prefect.client.schemas.objects import StateType  # noqa: PLC0415 -- 2 s
    from prefect.events.actions import ChangeFlowRunState  # noqa: PLC0415
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture  # noqa: PLC0415

    def event(name: str) -> str:
        return f"prefect.flow-run.{name}"

    def becomes(state: StateType, message: str) -> ChangeFlowRunState:
        return ChangeFlowRunState(name=None, state=state, message=message, force=False)

    ours: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.tag.strongroom"}
    # What begins a run is a sign as well: a worker may die before the first heartbeat, and before its run has begun.
    begins = {event(name) for name in ("Pending", "Running", "Rerunning", "Retrying")}
    ends = {event(name) for name in ("Completed", "Failed", "Cancelled", "Crashed", "Scheduled", "AwaitingConcurrencySlot")}
    lost = EventTrigger(
        match={"prefect.resource.id": event("*")}, match_related=ours, for_each={"prefect.resource.id"},
        after=begins | {event("heartbeat")}, expect=ends | {event("heartbeat")},
        posture=Posture.Proactive, threshold=1, within=timedelta(seconds=silence),
    )
    again = EventTrigger(
        match={"prefect.resource.id": event("*"), "prefect.run-count": [str(count) for count in range(times + 1)]},
        match_related=ours, for_each={"prefect.resource.id"}, expect={event("Crashed")},
        posture=Posture.Reactive, threshold=1, within=timedelta(seconds=silence),
    )
    dead, scheduled = f"no sign of life for {silence} s: its worker may have died", "lost, and done again"
    return [
        AutomationCore(name=LOST, trigger=lost, actions=[becomes(StateType.CRASHED, dead)]),
        AutomationCore(name=AGAIN, trigger=again, actions=[becomes(StateType.SCHEDULED, scheduled)]),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silence", type=int, default=300, metavar="SECONDS", help="after which a run is lost (default 300)")
    parser.add_argument("--times", type=int, default=3, help="that a run is begun again (default 3)")
    args = parser.parse_args(arguments)
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        for automation in automations(args.silence, args.times):
            there = client.read_automations_by_name(automation.name)
            # What is as it should be is kept, with what it knows: its runs may have been lost with the machine that starts again now.
            if len(there) == 1 and (there[0].enabled, there[0].trigger, there[0].actions) == (True, automation.trigger, automation.actions):
                continue
            for old in there:
                client.delete_automation(old.id)
            client.create_automation(automation)
            print(f"{automation.name!r} is set")
    return 0


if __name__ == "__main__":
    sys.exit(main())
