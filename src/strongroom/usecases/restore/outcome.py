"""What became of a batch of a plan's job, whoever carries it out and whatever for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from strongroom.core.errors import ColdInStoreError, StoreUnreachableError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import answers, instead_of
from strongroom.stores.interface import Store
from strongroom.usecases.restore.contents import Unread
from strongroom.usecases.restore.plan import Need, Plan
from strongroom.usecases.sealed.collector import Collector

_WRONG: Final = "not everything that should lie here does, with the right digest; other copies are looked for"


@dataclass(slots=True)
class Outcome:
    """`failed`: the contents that could not be had from these objects; `unread`: those of them that could not be read there, although
    the store answers. `bad_keys`: the objects they should have been had from, and what is wrong with each."""

    keys: tuple[str, ...]
    failed: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    bad_keys: list[tuple[str, str]] = field(default_factory=list)
    cold_keys: list[str] = field(default_factory=list)  # those that must be thawed before they can be read

    def read_object(self, store: Store, text: str, read: Callable[[StoreKey, Unread], list[int]]) -> None:
        """Have `read` take what is wanted of the object `text`, wherever it lies now, and say which contents are not sound there.

        Raises StoreUnreachableError if the store as a whole does not answer.
        """
        key = StoreKey(text)
        why: dict[int, str] = {}
        cold = False

        def unread(need: Need, error: StoreUnreachableError) -> None:
            nonlocal cold
            cold |= isinstance(error, ColdInStoreError)
            why[need.content] = str(error)

        failed = read(key, unread)
        if failed and not why:
            try:
                if (later := instead_of(store, key)) is not None:
                    failed = read(later, unread)  # the hint is as good as ever
            except StoreUnreachableError as error:  # a folder it does not list
                if not answers(store):
                    raise
                why = dict.fromkeys(failed, str(error))
        if failed:
            self.failed += failed
            self.unread += why
            if cold:
                self.cold_keys.append(text)
                return
            reason = next(iter(why.values()), None)
            self.bad_keys.append((text, _WRONG if reason is None else f"could not be read ({reason}); other copies are looked for"))

    def settle(self, plan: Plan, store: Store, collector: Collector) -> None:
        """Mark in the plan what is done, and say what is wrong with the objects."""
        plan.finish_keys(self.keys, self.failed, self.unread)
        plan.note_cold(self.cold_keys)
        for key, what in self.bad_keys:
            collector.add(Finding(Code.COPY_DAMAGED, f"{store.url}: {key}", what))
