"""One message for a run, if there is something to say: see `notify` in the collection manifest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import RunRow
from strongroom.collections import find, load
from strongroom.collections.model import Notify
from strongroom.core.errors import UsageError
from strongroom.notify.addresses import addresses
from strongroom.usecases.context import Context
from strongroom.usecases.report.words import headline, run_lines

#: When to notify of runs over several collections: "error", "warning" or "always".
WHEN: Final = "STRONGROOM_NOTIFY"
_FINDINGS: Final = 20  # that a message names
_CHARACTERS: Final = 4000


def notify(context: Context, run: RunRow, manifest: str | None, warn: Callable[[str], None]) -> None:
    """Tell the addresses of the environment of a run that ended, if the collection's settings want that. Never raises for a failure to."""
    try:
        urls = addresses()
    except UsageError as error:
        warn(str(error))
        return
    if not urls or not wanted(run, _settings(context, run.collection, manifest, warn)):
        return
    from strongroom.notify.send import send  # noqa: PLC0415 -- a quarter of a second

    title = f"strongroom: {headline(run)}"
    body = "\n".join(run_lines(run, findings=_FINDINGS))[:_CHARACTERS]
    for problem in send(urls, title, body, severe=run.exit_status != 0):
        warn(f"not everybody was notified: {problem}")


def wanted(run: RunRow, settings: Notify) -> bool:
    """Whether the run is worth a message. A run that could not be done is as grave as an error."""
    counts = run.summary.get("counts", {})
    grave = run.exit_status != 0 or bool(counts.get("error"))
    return settings.always or grave or (settings.severity == "warning" and bool(counts.get("warning")))


def _settings(context: Context, collection: str, manifest: str | None, warn: Callable[[str], None]) -> Notify:
    """Those of the collection, or the environment's for runs over several, and where its manifest cannot be read."""
    if collection:
        try:
            return load(Path(manifest) if manifest else _manifest(context, collection)).notify
        except (UsageError, OSError):
            pass  # whatever is wrong with it has been said, or is no matter of this run
    asked = os.environ.get(WHEN, "warning")
    match asked:
        case "always":
            return Notify(always=True)
        case "error" | "warning":
            return Notify(severity=asked)
    warn(f"{WHEN}: expected error, warning or always, found {asked!r}; taken for warning")
    return Notify()


def _manifest(context: Context, collection: str) -> Path:
    with Catalogue.open(context.catalogue) as catalogue:
        known = next((row.manifest for row in catalogue.collections() if row.name == collection), None)
    return Path(known) if known else find(collection)
