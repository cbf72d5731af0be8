"""Two sweepers of two installations over one store, one of them wholly done between two steps of the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from strongroom.core.errors import DamagedInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.describe import open_known_store
from strongroom.stores.wrapper import StoreWrapper
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.sweep.rescue import RescueJob, rescue
from strongroom.usecases.sweep.run import sweep
from tests.replicate.conftest import Place
from tests.sweep.test_sweep import PAGE, filled, hurt, withhold


class Interrupted:
    """A runner that calls `between` before the stage or map of this name, the `nth` time it comes."""

    def __init__(self, runner, name: str, nth: int, between: Callable[[], None]) -> None:
        self._runner, self._name, self._left, self._between = runner, name, nth, between

    def __getattr__(self, name: str):
        return getattr(self._runner, name)

    def stage(self, name: str, **options):
        self._meet(name)
        return self._runner.stage(name, **options)

    def map(self, name: str, *arguments, **options):
        self._meet(name)
        return self._runner.map(name, *arguments, **options)

    def _meet(self, name: str) -> None:
        self._left -= name == self._name
        if name == self._name and self._left == 0:
            self._between()

    @property
    def met(self) -> bool:
        return self._left <= 0


@pytest.mark.parametrize(("same_record", "stage", "nth"), [
    (False, "read what may go", 1), (False, "read what may go", 2), (False, "store anew what bags need", 1), (False, "delete", 1),
    (True, "read what may go", 1), (True, "store anew what bags need", 1), (True, "delete", 1),
])
def test_whoever_comes_second_finds_the_work_done_and_loses_nothing(place: Place, same_record: bool, stage: str, nth: int) -> None:
    held = filled(place, versions=2)
    withhold(place, "one")
    url = [f"file://{place.folder('one')}"]
    if same_record:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("strongroom.usecases.sweep.one_store.StoreRun._is_ready", lambda *_: False)
            sweep(place.context, place.runner, stores=url, grace_days=0)
    others = Context(place.root / "home-2")
    shutil.copytree(place.context.home, others.home)
    first = []
    runner = Interrupted(place.runner, stage, nth, lambda: first.append(sweep(others, place.runner, stores=url, grace_days=0)))
    second = sweep(place.context, runner, stores=url, grace_days=0)  # type: ignore[arg-type]
    assert runner.met and first[0].exit_status == 0 and second.exit_status == 0, (first, second)
    stored = place.stored("one")
    assert all(set(payload.values()) - {PAGE} <= set(stored.values()) for payload in held.values())
    assert PAGE not in place.every_byte("one")
    assert [path.parent for path in place.folder("one").glob("sweep/*/record.json") if not (path.parent / "done.json").exists()] == []
    for context in (place.context, others):
        for quick in (False, True):
            checked = audit(AuditRequest(quick=quick), context, place.runner)
            assert checked.exit_status == 0, checked.findings
    assert sweep(place.context, place.runner, stores=url, grace_days=0).stores[0].condemned == {}


class VanishesOnReading(StoreWrapper):
    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False):
        self.store.erase(key)
        return super().get(key, start, length, uncached=uncached)


@pytest.mark.parametrize("large", [False, True])
def test_what_another_deletes_while_it_is_read_is_gone_and_what_is_damaged_is_an_error(place: Place, large: bool) -> None:
    filled(place, versions=1)
    key = next(one for one in sorted(place.objects("one")) if (one.startswith("content/") if large else one.endswith(".tar")))
    store = open_known_store(str(place.folder("one")), None)
    sha = bytes.fromhex(key.rpartition("/")[2]) if large else next(
        bytes.fromhex(sha) for sha, data in place.stored("one").items() if data.startswith(b"page 1 "))
    hurt(place, "one", key)
    with pytest.raises(DamagedInStoreError, match="nothing was deleted"):
        rescue(RescueJob(store, store, ((key, (sha if large else b"x" * 32,)),)))
    result = rescue(RescueJob(VanishesOnReading(store), store, ((key, (sha,)),)))
    assert [(one.base, one.gone, one.written) for one in result] == [(key, True, ())]
    assert not (place.folder("one") / key).exists()
