"""Whether a command runs as a Prefect flow, and how Prefect is set up before it is imported. Importing this does not import Prefect."""

from __future__ import annotations

import os
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from flows.server import start_temporary
from strongroom.core.errors import StrongroomError
from strongroom.runner.choice import chosen

#: Set unless the person has set them. Nothing is sent to Prefect's makers; its own lines stay in the flow run's log, and the terminal shows
#: ours.
SETTINGS: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_CLI_PROMPT": "false",
}


def wanted(asked: bool | None) -> bool:
    """Whether to run as a flow: as `asked` (--prefect, --no-prefect), otherwise as STRONGROOM_RUNNER says, otherwise if a Prefect API is
    configured. Raises UsageError."""
    said = chosen().flows if asked is None else asked
    return configured_api() is not None if said is None else said


def configured_api() -> str | None:
    """The URL of the Prefect API that the environment or the active profile names, read without importing Prefect (1.7 s)."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    try:
        document = tomllib.loads(profiles.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # none there, or one that Prefect itself will complain about when asked for
    active = os.environ.get("PREFECT_PROFILE") or document.get("active")
    profile = document.get("profiles", {}).get(active, {})
    url = profile.get("PREFECT_API_URL") if isinstance(profile, dict) else None
    return str(url) if url else None


def prepare() -> None:
    """Set Prefect up. To be called before anything imports it."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def run(name: str, /, **parameters: Any) -> Any:
    """Run the flow `name` of the module `flows.NAME` and give its report, whether the run ends Completed or Failed.

    Raises what the flow raised; StrongroomError if Prefect's API does not answer.
    """
    prepare()
    if configured_api() is None:
        start_temporary()
    reach_api()
    flow = getattr(import_module(f"flows.{name}"), name)
    result = flow(**parameters, return_state=True).result(raise_on_failure=False)
    if isinstance(result, BaseException):  # a Failed state carries either its report or what was raised
        raise result
    return result


def reach_api() -> None:
    """Find out before anything is begun, and say it better than a traceback."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 -- only once prepared

    try:
        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
    except Exception as error:
        problem = error
    if problem is not None:
        where = configured_api()
        raise StrongroomError(f"Prefect ({where}) does not answer: {problem}; --no-prefect does the same work without it") from problem
