"""Every bag of a collection, in order, for exports of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.core.digests import Digest
from strongroom.core.errors import RefusedError, UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import Places, Target, resolve
from strongroom.usecases.sealed.seals import find_seals
from strongroom.usecases.signatures.settling import Arbiter


def every_version(
    name: str, context: Context, collector: Collector, *, source: str | None = None, seals: Sequence[Digest] = ()
) -> list[Target]:
    """Where to read each bag of the collection; numbers that were voided have none.

    Raises UsageError if there is no bag, RefusedError if a label is forked and neither one of `seals` nor a trusted signature chooses.
    """
    found: dict[int, set[Digest]] = {}
    passed_over: set[Digest] = set()
    if source is not None:
        store, arbiter = Places([Address(source)], collector).first(), Arbiter.at(context.home)
        for one in find_seals(store, name):
            settled = arbiter.settle(store, one)
            passed_over.update(settled.passed_over)
            if one.found:
                found[one.bag.version] = {seal.digest for seal in one.found if seal in settled.found or seal.digest in seals}
    for row in known_bags(context, name).rows:
        if row.seal not in passed_over:
            found.setdefault(row.bag.version, set()).add(row.seal)
    if not found:
        raise UsageError(f"no bag of a collection {name!r} is known here; `strongroom list` shows those that are")
    targets = []
    for version, there in sorted(found.items()):
        chosen = there & set(seals) if len(there) > 1 else there
        if not chosen and source is None:
            targets.append(resolve(name, version, context, collector))  # by a trusted signature, or not at all
            continue
        if len(chosen) != 1:
            choices = ", ".join(sorted(one.hex for one in there))
            raise RefusedError(f"{name}/v{version} is forked; choose one of its seals with --seal: {choices}")
        targets.append(resolve(name, version, context, collector, source=source, seal=chosen.pop()))
    return targets
