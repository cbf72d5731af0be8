"""What lies where the placement of its bag says is seen quickly; whatever hinders that, nothing is taken for held that is not."""

from __future__ import annotations

import hashlib

import pytest

from strongroom.catalogue import Catalogue
from strongroom.signing import Trust
from strongroom.stores.describe import open_known_store, read_description
from strongroom.usecases.audit import cover, run
from strongroom.usecases.audit.expect import expect
from strongroom.usecases.audit.kinds import Kind
from strongroom.usecases.audit.listing import list_store, recall
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.scratch import Scratch
from tests.audit.site import chmod_all

BAGS = {"letters/v1", "letters/v2", "maps/v1"}


class Recording:
    """A runner that remembers what was mapped."""

    def __init__(self, runner):
        self.runner, self.names = runner, []

    def __getattr__(self, name):
        return getattr(self.runner, name)

    def map(self, name, *args, **more):
        self.names.append(name)
        return self.runner.map(name, *args, **more)


@pytest.fixture
def job(vault, runner, tmp_path):
    """What an audit that was just done knows, and would ask a worker."""
    assert vault.audit().exit_status == 0
    chmod_all(vault.root / "store")
    store = open_known_store(vault.url, None)
    with Scratch(tmp_path / "audit.sqlite") as scratch, Catalogue.open(vault.context.catalogue) as catalogue:
        store_id = read_description(store).id
        number = catalogue.see_store(store_id, vault.url)
        with runner.stage("list") as progress:
            list_store(scratch, store, progress)
        recall(scratch, catalogue, number)
        expect(scratch, store, store_id, number, catalogue, runner, Trust())
        bags = tuple(scratch.rows("SELECT bag, attempt FROM attempts ORDER BY bag"))
        yield scratch, cover.CoverJob(store, scratch.path, bags)


def found(job):
    return {bag for bag, _ in cover.covered(job[1])}


@pytest.mark.parametrize("block", [1, cover.BLOCK])
def test_every_bag_of_a_sound_store_is_covered(job, monkeypatch, block):
    monkeypatch.setattr(cover, "BLOCK", block)
    monkeypatch.setattr(cover, "_CHUNK", 100 if block == 1 else 1 << 20)
    assert found(job) == BAGS


def test_an_audit_reads_manifests_line_by_line_only_where_it_must(vault, monkeypatch):
    recording = Recording(vault.runner)
    assert run.audit(AuditRequest(), vault.context, recording).exit_status == 0
    assert "compare bags with packs" in recording.names and "see what bags need" not in recording.names
    # A bag that no placement speaks of is looked at with patience, and nothing is missed in it.
    vault.objects.delete("bags/maps/v1/placement.jsonl")
    recording.names.clear()
    report = run.audit(AuditRequest(), vault.context, recording)
    assert "see what bags need" in recording.names
    assert [one.key for one in report.stores[0].unsound] == ["bags/maps/v1/placement.jsonl"]


@pytest.mark.parametrize("kind", [Kind.PACK, Kind.CONTENT])
def test_what_the_placement_leaves_out_is_not_held(job, kind):
    scratch, _ = job
    scratch.db.execute("DELETE FROM placed WHERE bag = 'maps/v1' AND base IN (SELECT base FROM things WHERE kind = ?)", (kind,))
    assert found(job) == BAGS - {"maps/v1"}


@pytest.mark.parametrize("what", ["packs/%.tar", "packs/%.jsonl", "content/%", "bags/maps/v1/%/manifest-sha256.txt"])
@pytest.mark.parametrize("state", ["'damaged'", "NULL"])
def test_what_is_not_known_to_be_sound_proves_nothing(job, what, state):
    scratch, _ = job
    scratch.db.execute(f"UPDATE things SET was = {state} WHERE key LIKE ?", (what,))
    assert "maps/v1" not in found(job)


@pytest.mark.parametrize("what", [("packs/", ".jsonl"), ("bags/maps/v1/", "manifest-sha256.txt")])
def test_bytes_that_changed_since_they_were_sound_prove_nothing(job, vault, what):
    for key in vault.keys(*what):
        data = vault.objects.all()[key]
        vault.objects.put(key, data.replace(b"0", b"1", 1))
    assert "maps/v1" not in found(job)
    for key in vault.keys(*what):
        vault.objects.delete(key)
    assert "maps/v1" not in found(job)


@pytest.mark.parametrize("line", [b"%s *data/x\n", b"%s\tdata/x\n", b"%s  data/x", b"%s  data/x\r\n", b"\n%s  data/x\n"])
def test_a_manifest_that_is_written_otherwise_is_read_elsewhere(job, vault, line):
    scratch, _ = job
    (key,) = vault.keys("bags/maps/v1/", "/manifest-sha256.txt")
    first = vault.objects.all()[key][:64]
    odd = vault.objects.all()[key] + line % first
    vault.objects.put(key, odd)
    scratch.db.execute("UPDATE things SET recorded = ? WHERE key = ?", (hashlib.sha256(odd).hexdigest(), key))
    assert found(job) == BAGS - {"maps/v1"}


def test_the_digest_at_the_end_of_an_index_is_no_content(job, vault):
    scratch, _ = job
    (key,) = vault.keys("bags/maps/v1/", "/manifest-sha256.txt")
    index = next(data for name, data in vault.objects.all().items() if name.endswith(".jsonl") and name.startswith("packs/"))
    odd = vault.objects.all()[key] + index.rstrip().rpartition(b'"sha256":"')[2][:64] + b"  data/zzz\n"
    vault.objects.put(key, odd)
    scratch.db.execute("UPDATE things SET recorded = ? WHERE key = ?", (hashlib.sha256(odd).hexdigest(), key))
    assert found(job) == BAGS - {"maps/v1"}
