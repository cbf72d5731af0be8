"""Rows: runs at once, and sweeps meanwhile; versions that forked; clocks that are wrong."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults import reading
from tests.faults.kills import litter
from tests.faults.oracle import judge
from tests.faults.place import Place, finish, go_on, payload, wait_until_stopped
from tests.fixtures.catalogues import tables

TEN_YEARS = 10 * 365 * 86_400


def two_homes(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Two machines archive one collection at the same moment, and a third sweeps: each number goes to one, and the other finds its state
    sealed already."""
    place = Place(folder / "place").make()
    for _ in range(tries):
        place.edit(chance)
        versions = len(reading.sealed(place.store))
        wrong = _at_once([place, _other(place, "home-2")], chance) + _same_as_source(place)
        made = len(reading.sealed(place.store)) - versions
        if made != 1:  # both saw the same source: a second bag of the same state would be one too many
            wrong.append(f"{made} bags of one state")
        yield wrong


def one_home(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Two runs of one collection on one machine: the second is told, and does nothing. A sweep of that machine waits for the first."""
    place = Place(folder / "place").make()
    for number in range(tries):
        place.edit(chance)
        with place.start("archive", place.manifest, "--no-prefect", "--quiet", "--json", fault=_stop(folder, number)) as first:
            stopped = wait_until_stopped(first)
            strays = litter(place.store, chance)
            second, sweep = place.archive(), place.run(*_sweep(place))
            go_on(first)
            wrong = judge(place, None, finish(first), allowed={0})
        if not stopped:
            wrong.append("the first run had ended before the second began")
        wrong += judge(place, None, second, allowed={3}) + judge(place, None, sweep, allowed={3}) + _same_as_source(place)
        wrong += judge(place, None, place.run(*_sweep(place)), allowed={0}) + _same_as_source(place)
        wrong += [f"not swept: {path.name}" for path in strays if path.exists()]
        if "another run is archiving site" not in second.err:
            wrong.append(f"the second run was not told: {second.err}")
        yield wrong


def overtaken(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A run waits after one of its steps; another machine's archives meanwhile, from beginning to end, something else or the same."""
    place = Place(folder / "place").make()
    for number in range(tries):
        place.edit(chance)
        fault = _stop(folder, number, chance.randrange(1, 36))
        with place.start("archive", place.manifest, "--no-prefect", "--quiet", "--json", fault=fault) as first:
            wait_until_stopped(first)
            if number % 2:
                place.edit(chance)
            second = _other(place, "home-2").archive()
            go_on(first)
            results = [finish(first), second]
        # What the first had not read when the source changed below it is left out, and said: then it is 1 and the next run takes it.
        wrong = [one for result in results for one in judge(place, None, result, allowed={0, 1})]
        for home in ("home", "home-2"):
            wrong += judge(place, None, _other(place, home).archive("--reread"), allowed={0})
        yield [f"stopped after {fault['stop_after']} steps: {one}" for one in wrong + _same_as_source(place)]


def swept(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A run waits after one of its steps; another machine sweeps meanwhile, and now and then takes its number out of use. It relies on
    contents that no bag needs and that the sweep would have removed."""
    place = Place(folder / "place").make()
    for number in range(tries):
        place.edit(chance)
        strays = litter(place.store, chance)
        place.write("found in the store", strays[0].read_bytes())
        fault = _stop(folder, number, chance.randrange(1, 36))
        with place.start("archive", place.manifest, "--no-prefect", "--quiet", "--json", fault=fault) as first:
            wait_until_stopped(first)
            sweeps = [_other(place, "home-2").run(*_sweep(place), *(["--void-open"] if number % 2 else [])) for _ in range(2)]
            go_on(first)
            result = finish(first)
        wrong = [one for sweep in sweeps for one in judge(place, None, sweep, allowed={0, 3})]
        wrong += judge(place, None, result, allowed={0}) + _same_as_source(place)
        wrong += judge(place, None, place.archive("--reread"), allowed={0})
        wrong += judge(place, None, place.run(*_sweep(place)), allowed={0}) + _same_as_source(place)
        yield [f"stopped after {fault['stop_after']} steps: {one}" for one in wrong]


def same_contents(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Two collections with the same contents at once, in one store and with one catalogue, and another machine's sweep."""
    place = Place(folder / "place").make()
    other = Place(place.root, name="other")
    for _ in range(tries):
        place.edit(chance)
        place.write("large", chance.randbytes(5 << 20))
        yield _at_once([place, other], chance) + _same_as_source(place) + _same_as_source(other)


def forked(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A store comes back from the dead with a bag under a label that was given again meanwhile: found, and both are kept."""
    for number in range(tries):
        both = Place(folder / str(number), stores=["store", "copy"]).make()
        assert both.archive().status == 0
        both.edit(chance)
        assert both.archive("--no-replicate").status == 0  # v2, in `store` alone
        dead = both.store.rename(both.root / "dead")
        shutil.rmtree(both.root / "home")  # it knew
        both.edit(chance)
        assert Place(both.root, stores=["copy"]).archive().status == 0  # v2 again, of something else
        dead.rename(both.store)
        shutil.rmtree(both.root / "home")
        both.edit(chance)
        before = _sealed(both)
        result = both.archive("--no-replicate")
        wrong = judge(both, None, result, allowed={1})
        if "forked" not in result.codes():
            wrong.append(f"no finding `forked`: {result.out}")
        labels = sorted(_sealed(both).values())
        if not before.keys() <= _sealed(both).keys() or labels != ["site/v1", "site/v2", "site/v2", "site/v3"]:
            wrong.append(f"not both kept, or the number was used once more: {labels}")
        yield wrong


def _sealed(place: Place) -> dict[str, str]:
    """The label of every seal in any store."""
    return {digest: seal["bag"] for store in place.stores for digest, seal in reading.sealed(place.root / store).items()}


def wrong_clock(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A run waits in the middle while others, with clocks ten years off, archive, audit and begin and end: nothing of it is taken away."""
    for number in range(tries):
        offset = TEN_YEARS if number % 2 else -TEN_YEARS
        place = Place(folder / str(number)).make()
        assert place.archive().status == 0
        place.edit(chance)
        place.write("large", chance.randbytes(5 << 20))
        with place.start("archive", place.manifest, "--no-prefect", "--quiet", "--json", fault=_stop(folder, number, 12)) as first:
            stopped = wait_until_stopped(first)
            clock = {"clock": offset}
            others = [
                _other(place, "home-2").archive(fault=clock), Place(place.root, name="third").archive(fault=clock),
                place.run("audit", "--no-prefect", "--quiet", fault=clock), place.run("list", fault=clock),
            ]
            go_on(first)
            results = [finish(first), *others]
        wrong = [one for result in results for one in judge(place, None, result, allowed={0})]
        if not stopped:
            wrong.append("the first run had ended before the others began")
        again = place.archive()
        wrong += judge(place, None, again, allowed={0}) + _same_as_source(place)
        wrong += _a_future_date_is_overdue(place, offset)
        yield [f"clock {offset:+} s: {one}" for one in wrong]


def _a_future_date_is_overdue(place: Place, offset: int) -> list[str]:
    """What was read at a time that has not come yet, or ten years ago, is read again by an audit that asks for what is a year old."""
    assert place.run("audit", "--no-prefect", "--quiet", fault={"clock": offset}).status == 0
    with tables(place.root / "home") as db:
        (before,) = db.execute("SELECT max(seq) FROM checks").fetchone()
    result = place.run("audit", "--no-prefect", "--quiet", "--max-age", "365")
    with tables(place.root / "home") as db:
        (stale,) = db.execute("SELECT count(*) FROM checks WHERE seq <= ? AND key LIKE 'packs/%tar'", (before,)).fetchone()
    wrong = judge(place, None, result, allowed={0})
    return [*wrong, f"{stale} packs read at a wrong time were not read again"] if stale else wrong


def _stop(folder: Path, number: int, step: int = 9) -> dict[str, object]:
    return {"log": str(folder / f"{number}.log"), "stop_after": step}


def _sweep(place: Place) -> tuple[str | Path, ...]:
    return ("sweep", "--store", place.store, "--yes", "--no-prefect", "--quiet", "--workers", "1")


def _other(place: Place, home: str) -> Place:
    return Place(place.root, place.stores, place.name, home)


def _at_once(places: list[Place], chance: random.Random) -> list[str]:
    """`archive` of each and a sweep from elsewhere, all begun within half a second, in any order; what is wrong with them."""
    running = []
    sweeper = _other(places[0], "sweeper")
    litter(sweeper.store, chance)
    for place in chance.sample([*places, sweeper], len(places) + 1):
        if place is sweeper:
            running.append((place.start(*_sweep(place), *chance.choice([[], ["--void-open"]])), {0, 3}))
        else:
            running.append((place.start("archive", place.manifest, "--no-prefect", "--quiet", "--json", "--workers", "1"), {0}))
        time.sleep(chance.uniform(0, 0.2))
    ended = [(finish(process), allowed) for process, allowed in running]  # all of them: a bag that is just being sealed is no damage
    return [one for result, allowed in ended for one in judge(places[0], None, result, allowed=allowed)]


def _same_as_source(place: Place) -> list[str]:
    try:
        same = reading.newest(place.store, place.name) == payload(place.source)
    except reading.Broken as error:
        return [str(error)]
    return [] if same else [f"the newest bag of {place.name} is not the source"]

