"""What the page may speak of: which collections, and which findings and runs can be told without speaking of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from strongroom.core.errors import RefusedError, UsageError
from strongroom.core.findings import Finding
from strongroom.usecases.access import may_show, visibilities
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.status.manifests import all_manifests


@dataclass(frozen=True, slots=True)
class Scope:
    """`shown`: the collections the page speaks of. `hidden`: those it must not name; none, for the curator. `name`: of the only one."""

    shown: frozenset[str]
    hidden: frozenset[str]
    curator: bool
    visible: frozenset[str]  # those that may be seen, whatever the page is about
    name: str | None = None

    @property
    def seen(self) -> frozenset[str] | None:
        """`visible`, as the questions of the catalogue want it; None: all."""
        return None if self.curator else self.visible

    def may_tell(self, *texts: str) -> bool:
        """Whether these texts name no collection that must not be named."""
        return not any(name in text for name in self.hidden for text in texts)

    def covers(self, finding: Finding, urls: frozenset[str]) -> bool:
        """Whether a finding of `status` is about a collection that is shown or about a store with one of these URLs."""
        place = finding.place
        mine = any(place == name or place.startswith((f"{name}/", f"{name} in ")) for name in self.shown)
        store = any(place == url or place.startswith(f"{url} (") for url in urls)
        return (mine or store) and self.may_tell(place, finding.message)

    def tells(self, collection: str) -> bool:
        """Whether what a run over this collection ("" for all, or several) found may be told."""
        return collection in self.shown if collection else not self.hidden and self.name is None


def find_scope(context: Context, name: str | None, curator: bool, collector: Collector, today: date) -> tuple[Scope, Known]:
    """What there is, and what of it the page may show.

    Raises UsageError if there is no such collection, RefusedError if it may be shown to nobody but the curator.
    """
    known = known_bags(context)
    views = visibilities(context, collector)
    bagless = {one: manifest.access for one, manifest in all_manifests(known, Collector()).items() if one not in views}
    named = {*views, *(row.name for row in known.collections), *bagless}
    open_ones = {one for one, view in views.items() if view.is_shown(today)}
    open_ones |= {one for one, access in bagless.items() if may_show(access, today)}
    visible = frozenset(named if curator else open_ones)
    if name is not None and name not in views:
        raise UsageError(f"no bag of a collection {name!r} is known; `strongroom list` names those there are")
    if name is not None and name not in visible:
        raise RefusedError(f"{name} is not open to everybody; --curator makes a page of it that must not be passed on")
    shown = visible & {name} if name is not None else visible
    return Scope(shown, frozenset(named - visible), curator, visible, name), known
