"""Row: random trees, edits and damage against a model that is a few dictionaries (Hypothesis)."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from strongroom.collections.load import load
from strongroom.core.litter import is_litter
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.repair.run import repair
from strongroom.usecases.replicate.after import archive_and_replicate
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from tests.faults import reading

Tree = dict[str, bytes]

_segments = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200)
_paths = st.lists(_segments, min_size=1, max_size=3).map("/".join)
#: Few different contents, so that there are duplicates; now and then one large enough to be an object of its own.
_contents = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"", b"same", b"x" * 5000]), st.just((4 << 20) + 1).map(lambda size: b"L" * size))
_trees = st.dictionaries(_paths, _contents, min_size=1, max_size=8)
_damage = st.lists(st.tuples(st.sampled_from(["flip", "cut", "delete"]), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=3)


class World:
    """The real thing beside its model: `versions` is what each bag should hold."""

    def __init__(self, root: Path, runner: LocalRunner) -> None:
        self.root, self.runner, self.context = root, runner, Context(root / "home")
        self.source = root / "source"
        self.stores = [root / "store", root / "copy"]
        for store in self.stores:
            init_store(str(store))
        manifest = root / "site.yaml"
        manifest.write_text("collection: site\nsource: source\nstores: [store, copy]\nmax_loss: 1.0\n")
        self.source.mkdir()
        self.manifest = load(manifest)
        self.versions: list[Tree] = []

    def become(self, tree: Tree) -> Tree:
        """Make the source hold `tree`, as far as a folder can: a path that is in another's way is left out. What it holds then."""
        shutil.rmtree(self.source)
        self.source.mkdir()
        held: Tree = {}
        for name, data in sorted(tree.items()):
            path = self.source / name
            if any(parent in held for parent in map(str, Path(name).parents)) or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            held[name] = data
        return held

    def archive(self, tree: Tree) -> None:
        held = self.become(tree)
        flags = {"dry_run": False, "accept_loss": False, "reread": False, "replicas": True}
        report = archive_and_replicate(self.manifest, self.context, self.runner, **flags)
        kept = {name: data for name, data in held.items() if not _litter(name)}
        assert report.exit_status == 0, report.summary()
        if not self.versions or self.versions[-1] != kept:
            self.versions.append(kept)
        again = archive(self.manifest, self.context, self.runner)
        assert (again.outcome, again.new_contents) == ("unchanged", 0)

    def harm(self, damage: list[tuple[str, int, int]]) -> bool:
        """Damage objects that hold contents or tag files of bags, in the copy alone. Whether anything changed."""
        copy = self.stores[1]
        needed = sorted([*copy.glob("packs/*/*.tar"), *copy.glob("content/*/*"), *copy.glob("bags/site/v*/*/bag/**/*.*")])
        before = {path: path.read_bytes() for path in needed}
        for way, which, where in damage:
            path = needed[which % len(needed)]
            if not path.exists() or not path.stat().st_size:
                continue
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            if way == "delete":
                path.unlink()
            elif way == "cut":
                path.write_bytes(data[: where % len(data)])
            else:
                data[where % len(data)] ^= 1 << where % 8
                path.write_bytes(data)
        return any(not path.exists() or path.read_bytes() != data for path, data in before.items())

    def check(self) -> None:
        """Every version, from each store alone: by the product's restore, and by a reader that shares nothing with it."""
        for store in self.stores:
            labels = {seal["bag"]: digest for digest, seal in reading.sealed(store).items()}
            whole = reading.bags(store)
            for number, tree in enumerate(self.versions, 1):
                assert _plain(whole[labels[f"site/v{number}"]]) == tree
            target = self.root / "restored"
            report = restore(RestoreRequest("site", target, payload_only=True, source=store.as_uri()), self.context, self.runner)
            assert report.exit_status == 0, report.summary()
            restored = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
            assert restored == self.versions[-1]
            shutil.rmtree(target)


def _litter(name: str) -> bool:
    return any(is_litter(segment.encode()) for segment in name.split("/"))


def _plain(bag: Tree) -> Tree:
    return {path.removeprefix("data/"): data for path, data in bag.items()}


def life(root: Path, runner: LocalRunner, first: Tree, second: Tree, damage: list[tuple[str, int, int]]) -> None:
    """archive, edit, archive, damage, audit, repair, restore, compare."""
    world = World(root, runner)
    world.archive(first)
    world.archive(second)
    harmed = world.harm(damage)
    found = audit(AuditRequest(), world.context, runner)
    assert found.exit_status == (1 if harmed else 0), found.summary()
    mended = repair(world.context, runner)
    assert mended.exit_status == 0, mended.summary()
    assert audit(AuditRequest(), world.context, runner).exit_status == 0
    world.check()


def lives(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """As many examples as `tries`; a failing one is shrunk, and told."""
    with LocalRunner(2, quiet=True) as runner:

        @seed(chance.randrange(2**32))
        @settings(
            max_examples=tries, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck), print_blob=False)
        @given(_trees, _trees, _damage)
        def one(first: Tree, second: Tree, damage: Any) -> None:
            with tempfile.TemporaryDirectory(dir=folder) as root:
                life(Path(root), runner, first, second, damage)

        try:
            one()
        except Exception as error:
            yield [f"{error}\n" + "\n".join(getattr(error, "__notes__", []))]
        yield from [[] for _ in range(tries)]
