"""The restore itself: plan, look at what is there, read and write, finish, let the result appear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from strongroom.collections.globs import compile_globs
from strongroom.core.errors import DestinationError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.usecases.context import Context
from strongroom.usecases.restore.build import Builder
from strongroom.usecases.restore.check import CheckBatch, check_batch
from strongroom.usecases.restore.check import weigh as weigh_check
from strongroom.usecases.restore.fill import fill, report_lost
from strongroom.usecases.restore.folders import Structure, put_back
from strongroom.usecases.restore.limits import apply, probe
from strongroom.usecases.restore.plan import DIFFERS, PRESENT, SKIPPED, STAGED, WITHHELD, Plan
from strongroom.usecases.restore.request import RestoreReport, RestoreRequest
from strongroom.usecases.restore.tree import Tree
from strongroom.usecases.restore.workplace import Workplace
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import resolve
from strongroom.usecases.signatures.reporting import judge_opened
from strongroom.usecases.thaw.run import thaw
from strongroom.usecases.thaw.table import load_prices
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.planning import leave_out_files
from strongroom.usecases.withheld.tombstones import Withheld

_CHECK_BATCHES = 12
#: Errors after which a result can be complete all the same: it is what the seal says, whoever made that.
_HARMLESS = frozenset({
    Code.FORKED, Code.RESTORE_NO_MATCH, Code.SIGNATURE_BROKEN, Code.SIGNATURE_MISSING, Code.SIGNATURE_REVOKED,
})


def restore(request: RestoreRequest, context: Context, runner: Runner) -> RestoreReport:
    """Restore a bag or files of it; see RestoreRequest for what, docs/format.md section 8 for how.

    Damage that no other copy makes good is a finding, and everything else is restored to a folder that says that it is incomplete.
    Raises UsageError (no such bag, a destination that is not empty), RefusedError (a fork), DamagedBagError (nothing can be read),
    StoreUnreachableError and DestinationError (disk full): after these, the same restore run again goes on where this one stopped.
    """
    collector = Collector(runner.finding)
    target = resolve(request.name, request.version, context, collector, source=request.source, seal=request.seal)
    with context.scratch("restore") as scratch:
        bag = open_bag(target, scratch / "tags", collector)
        judge_opened(bag, context, collector)
        place = Workplace(request.dest, request.identity(bag.digest), into=request.into)
        place.open()
        try:
            with Plan(scratch / "plan.sqlite", create=True) as plan, _saying_where(place, runner):
                places = bag.places.opened
                withheld = load_withheld(context.home, places, scratch / "withheld", collector.add)
                return _Restore(request, bag, plan, place, runner, collector, withheld, context).run()
        finally:
            place.close()


@contextmanager
def _saying_where(place: Workplace, runner: Runner) -> Iterator[None]:
    """Whatever stops a restore, the person should know that its work is kept, if it did any."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            place.partial.rmdir()  # goes if it is empty
        if place.partial.exists():
            runner.say(f"what was restored so far is kept in {place.partial}; the same command goes on from there")
        raise


class _Restore:
    def __init__(
        self, request: RestoreRequest, bag: SealedBag, plan: Plan, place: Workplace, runner: Runner, collector: Collector,
        withheld: Withheld, context: Context,
    ) -> None:
        self._context = context
        self._request, self._bag, self._plan, self._place = request, bag, plan, place
        self._withheld = withheld
        self._runner, self._collector = runner, collector
        self._refused_lines = self._all_lines = 0

    def run(self) -> RestoreReport:
        plan, place = self._plan, self._place
        lost = self._prepare()
        if place.into:
            self._look_at_destination()
        if place.resumed:
            with Tree(place.partial) as tree:
                Structure(plan, tree, self._collector).unlock()
            self._check(place.partial, adopt=True)
        plan.settle()
        self._check_space()
        used = fill(self._bag, plan, place.partial, self._runner, self._collector)
        while plan.frozen():
            self._thaw()
            used += tuple(url for url in fill(self._bag, plan, place.partial, self._runner, self._collector) if url not in used)
        lost += report_lost(self._bag, plan, self._collector)
        with self._runner.stage("finish"):
            if self._request.whole:
                self._tag_files()
            structure, refused = self._structure()
            result, complete = self._publish(lost + refused + structure.refused)
        count = plan.one
        states = dict(plan.rows("SELECT state, count(*) FROM file GROUP BY state"))
        files = sum(states.values()) + self._refused_lines
        present, different = states.get(PRESENT, 0) + states.get(STAGED, 0), states.get(DIFFERS, 0)
        lost += states.get(SKIPPED, 0) + refused
        withheld = states.get(WITHHELD, 0)
        size = count("SELECT sum(c.size) FROM file f JOIN content c ON c.id = f.content WHERE f.state != ?", WITHHELD)
        written = files - present - different - lost - withheld
        return RestoreReport(
            bag=str(self._bag.id), whole=self._request.whole, of=self._all_lines, seal=self._bag.digest.hex,
            dest=str(place.dest), complete=complete,
            result=None if result is None else str(result), files=files, written=written, present=present,
            different=different, lost=lost, withheld=withheld, bytes=size,
            folders=structure.folders, links=structure.links, stores=used, findings=self._collector.findings(),
        )

    def _thaw(self) -> None:
        prices = load_prices(self._context.home)
        thaw(self._plan, self._bag.places.opened, self._request.thawing, prices, self._runner, str(self._bag.id))
        self._plan.try_cold_again()

    def _check_space(self) -> None:
        try:
            self._place.check_space(
                self._plan.one("SELECT sum(c.size) FROM file f JOIN content c ON c.id = f.content WHERE f.state = 0 AND c.done = 0"))
        except DestinationError:
            if not self._place.resumed:
                self._place.discard()
            raise

    def _prepare(self) -> int:
        """Fill the plan, less what cannot be written anywhere or here; how many files cannot be written anywhere."""
        matchers: dict[str, Callable[[bytes], bool]] = {pattern: compile_globs([pattern]) for pattern in self._request.paths}
        if self._request.whole:
            self._bag.move_to(self._place.partial)
        builder = Builder(self._bag, self._plan, whole=self._request.whole, matchers=matchers)
        with self._runner.stage("plan"):
            builder.build()
            self._leave_out_withheld()
            apply(probe(self._place.partial), self._plan, self._collector, self._place.dest)
        self._refused_lines, self._all_lines = builder.refused, builder.seen
        return builder.refused

    def _leave_out_withheld(self) -> None:
        """What an interrupted run put in place of a file that is withheld by now goes too."""
        gone = leave_out_files(self._plan, self._withheld, str(self._bag.id), self._collector.add)
        if gone and self._place.resumed:
            with Tree(self._place.partial) as tree:
                Structure(self._plan, tree, self._collector).unlock()
                for target in gone:
                    if tree.stat(target) is not None:
                        tree.remove(target)

    def _look_at_destination(self) -> None:
        with Tree(self._place.dest) as tree:
            Structure(self._plan, tree, self._collector).mark_existing()
        self._check(self._place.dest, adopt=False)

    def _check(self, root: Path, *, adopt: bool) -> None:
        """Do not write again what is there and sound; say what else is there, if it is not ours."""
        plan = self._plan
        last = plan.one("SELECT max(id) FROM file") + 1
        size = max(1000, -(-last // _CHECK_BATCHES))
        batches = [CheckBatch(plan.path, root, first, first + size, adopt) for first in range(1, last, size)]
        for result in self._runner.map("check what is there", check_batch, batches, weigh=weigh_check) if batches else ():
            plan.set_states(STAGED if adopt else PRESENT, result.sound)
            if adopt:
                continue
            plan.set_states(DIFFERS, result.different)
            for number in result.different:
                path = plan.db.execute("SELECT path FROM file WHERE id = ?", (number,)).fetchone()[0]
                what = f"something else stands in its place in {self._place.dest}; it was left alone"
                self._collector.add(Finding(Code.RESTORE_DIFFERS, path, what))

    def _tag_files(self) -> None:
        for path in self._bag.tag_files:
            self._bag.tag_file(path)

    def _structure(self) -> tuple[Structure, int]:
        """Put back, make folders and links, set times; how many files could not be put back."""
        plan, place = self._plan, self._place
        place.check()
        with Tree(place.dest if place.into else place.partial) as tree:
            refused = 0
            if place.into:
                with Tree(place.partial) as stage:
                    refused = put_back(plan, stage, tree, self._collector)
            elif self._request.whole:
                tree.folder(b"data")  # a bag has one, even without payload
            structure = Structure(plan, tree, self._collector)
            structure.make()
            structure.close(writable=self._request.whole)
        return structure, refused

    def _publish(self, trouble: int) -> tuple[Path | None, bool]:
        place = self._place
        if self._request.paths and not trouble and self._plan.is_empty():
            place.discard()  # no glob matched anything
            return None, False
        complete = not trouble and not self._collector.errors() - _HARMLESS
        if complete:
            return place.publish(), True
        return place.give_up(str(self._bag.id), self._collector.findings()), False
