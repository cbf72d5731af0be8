"""What an audit says and does: second looks, generations, budgets, interruptions, lost catalogues, other jobs at the same time."""

import json
import os
import signal
import subprocess
import sys
import threading

import jsonschema
import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import ageing, all_checks, count_unsound, last_audit, unsound
from strongroom.cli.main import main
from strongroom.collections.schemas import load_schema
from strongroom.core.errors import StoreUnreachableError, UsageError
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.runner.local import LocalRunner
from strongroom.stores.answering import AnsweringStore
from strongroom.stores.describe import open_known_store, read_description
from strongroom.usecases.audit import look as module
from strongroom.usecases.audit.look import LookJob, look
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.units import Item, Unit
from tests.fixtures.catalogues import lose
from tests.fixtures.findings import said


class Nothing:
    def close(self):
        pass


def flip(vault, key, at=None):
    data = bytearray(vault.objects.all()[key])
    data[len(data) // 2 if at is None else at] ^= 1
    vault.objects.put(key, bytes(data))


def rows(vault):
    with Catalogue.open(vault.context.catalogue) as catalogue:
        return {row.key.text: row for row in all_checks(catalogue, 1)}


def documents(vault):
    return [json.loads(data) for key, data in sorted(vault.objects.all().items()) if key.startswith("checks/")]


def validate(document, name):
    jsonschema.Draft202012Validator(load_schema(name)).validate(document)


def test_a_clean_store(vault):
    report = vault.audit()
    store = report.stores[0]
    assert (report.exit_status, said(report), store.unsound) == (0, (), ())
    assert store.never_read == 0 and store.recent_share == 1.0 and store.left == 0
    assert store.outcomes[CheckOutcome.SOUND] == store.listed
    assert store.outcomes[CheckOutcome.PENDING] == 3  # open, and open with closed
    assert store.bytes_read == store.listed_bytes
    validate(report.to_json(), "audit-report")
    for document in documents(vault):
        validate(document, "checks")
    log = max(vault.keys("log/"))
    event = json.loads(vault.objects.all()[log])["events"][0]
    assert (event["eventType"], event["eventOutcome"]) == ("fixity check", "success")


def test_every_bag_and_path_that_needs_a_damaged_content_is_named(vault):
    content = vault.keys("content/")[0]
    flip(vault, content)
    report = vault.audit()
    (one,) = report.stores[0].unsound
    assert report.exit_status == 1
    assert (one.key, one.outcome, one.contents) == (content, CheckOutcome.DAMAGED, 1)
    assert [(bag.bag, bag.paths) for bag in one.bags] == [("maps/v1", ("data/atlas.tif",))]
    assert one.expected == content[-64:] and one.found == one.first != one.expected
    assert "data/atlas.tif" in said(report)[0].message
    validate(report.to_json(), "audit-report")
    with Catalogue.open(vault.context.catalogue) as catalogue:
        assert [row.key.text for row in unsound(catalogue, 1)] == [content]


def test_members_that_survive_in_a_damaged_pack_are_not_called_lost(vault):
    before = vault.objects.all()
    pack = max(vault.keys("packs/", ".tar"), key=lambda key: len(before[key]))
    flip(vault, pack, at=520)  # in the data of the first member
    (one,) = vault.audit().stores[0].unsound
    assert one.contents == 1
    assert {len(bag.paths) for bag in one.bags} == {1}


def test_damage_that_was_repaired_beside_is_a_warning(vault):
    before = vault.objects.all()
    pack = vault.keys("packs/", ".tar")[0]
    flip(vault, pack)
    assert vault.audit().exit_status == 1
    vault.objects.put(pack + "~1", before[pack])
    report = vault.audit()
    assert report.exit_status == 0
    assert [finding.code.label for finding in said(report)] == ["copy-damaged"]
    with Catalogue.open(vault.context.catalogue) as catalogue:
        assert count_unsound(catalogue, 1) == 0


def test_damaged_objects_are_not_relied_upon_by_the_next_archive_run(vault):
    pack = vault.keys("packs/", ".tar")[0]
    flip(vault, pack, at=520)
    first = vault.audit()
    assert first.exit_status == 1 and [one.key for one in first.stores[0].unsound if one.contents] == [pack]
    vault.archive("letters")
    vault.archive("maps")
    (one,) = vault.audit().stores[0].unsound
    assert one.key == pack and (one.contents == 0 or one.repaired)  # what was lost with it lies elsewhere by now


def test_the_second_look_decides(vault, monkeypatch):
    """A store that gives wrong bytes once: a warning, with both looks, and no damage."""
    store = open_known_store(vault.url, None)
    key = vault.keys("content/")[0]

    class Reader:
        def __init__(self, inner):
            self.inner, self.first = inner, True

        def read(self, size=-1, /):
            data = self.inner.read(size)
            if self.first and data:
                self.first = False
                return bytes([data[0] ^ 1]) + data[1:]
            return data

        def readinto(self, buffer, /):
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

        def __enter__(self):
            return self

        def __exit__(self, *exc):
            self.inner.close()

    class Flaky:
        url = store.url
        reads = 0

        def get(self, key, start=0, length=None, *, uncached=False):
            assert uncached
            return Reader(store.get(key, start, length, uncached=True))

        def __deepcopy__(self, memo):  # a connection of its own
            return store

    monkeypatch.setattr(module, "read_only", lambda path: Nothing())
    monkeypatch.setattr(module, "describe", lambda scratch, first, last: [Unit(key, (Item(key),))])
    (one,) = look(LookJob(Flaky(), read_description(store).id, vault.root, 1, 1, None)).looks
    assert one.outcome is CheckOutcome.SOUND
    assert one.first != one.found == key[-64:]


def test_a_budget_reads_everything_once_in_eleven_runs_and_newcomers_first(vault):
    total = vault.audit(quick=True).stores[0].listed_bytes
    already = set(vault.objects.all())
    pending = {key for key in already if key.startswith(("bags/letters/v3/", "bags/maps/v2/"))}  # attempts that are no bags
    read = {}
    complete = False
    runs = 0
    while not complete:
        runs += 1
        assert runs <= 11
        if runs == 3:
            vault.write("letters", "arrived.txt", b"in between")
            vault.archive("letters")
            new = {key for key in vault.keys("packs/") if key not in already}
        report = vault.audit(max_bytes=-(-total // 10))
        assert report.exit_status == 0, report.findings
        document = documents(vault)[-1]
        for check in document["checks"]:
            if check["seq"] == document["seq"]:
                read.setdefault(check["key"], []).append(runs)
        complete = document["complete"]
        if runs == 3:
            assert new and all(read[key] == [3] for key in new)
    assert all(len(numbers) == 1 for numbers in read.values())
    assert already - read.keys() == pending


def test_a_budget_stops_exactly(vault):
    report = vault.audit(max_bytes=1)
    assert len([row for row in rows(vault).values() if row.seq == report.stores[0].seq]) <= 2  # one unit: an object, or a pack with index
    assert report.stores[0].left > 0
    assert "left for the next run" in "\n".join(report.summary())
    assert vault.audit(max_minutes=1e-9).stores[0].bytes_read == 0


def test_what_is_younger_than_the_age_asked_for_is_not_read_and_the_future_counts_as_overdue(vault):
    vault.audit()
    first = vault.audit(max_age_days=30)
    assert first.stores[0].bytes_read < first.stores[0].listed_bytes / 100  # only what the last audit itself wrote
    content = vault.keys("content/")[0]
    with Catalogue.open(vault.context.catalogue) as catalogue, catalogue.transaction() as db:
        db.execute("UPDATE checks SET time = '2999-01-01T00:00:00Z' WHERE key = ?", (content,))
    with Catalogue.open(vault.context.catalogue) as catalogue:
        assert ageing(catalogue, 1, 30).recent_bytes < first.stores[0].listed_bytes - (4 << 20)
    assert vault.audit(max_age_days=30).stores[0].bytes_read > 4 << 20


def test_results_survive_the_catalogue(vault):
    vault.audit()
    seq = max(row.seq for row in rows(vault).values())
    known = {key: (row.outcome, row.found) for key, row in rows(vault).items()}
    url = vault.url
    lose(vault.context.home)
    mark = vault.keys("bags/maps/v1/", "/open")[0]
    vault.objects.put(mark, vault.objects.all()[mark].replace(b'"opened":"2', b'"opened":"3'))  # only earlier results contradict it
    report = vault.audit(stores=(url,))
    assert report.stores[0].seq == seq + 1
    assert [one.key for one in report.stores[0].unsound] == [mark]
    assert known.keys() <= rows(vault).keys()


def test_a_store_that_is_away_is_unreachable_and_nothing_is_missing(vault):
    before = rows(vault)
    (vault.root / "store").rename(vault.root / "drawer")
    for _ in range(2):
        report = vault.audit()
        assert report.exit_status == 3
        assert report.stores[0].outcomes == {} and not report.stores[0].reached
        validate(report.to_json(), "audit-report")
        (vault.root / "store").mkdir(exist_ok=True)  # an empty mount point next
    assert rows(vault) == before
    (vault.root / "store").rmdir()
    (vault.root / "drawer").rename(vault.root / "store")
    assert vault.audit().exit_status == 0


def test_one_file_that_cannot_be_read_is_unreadable_and_the_rest_is_audited(vault, monkeypatch):
    """As a bad sector has it: reading one key fails, and the store answers."""
    store = open_known_store(vault.url, None)
    bad, good = vault.keys("packs/", ".tar")[:2]

    class BadSector:
        url = store.url

        def get(self, key, start=0, length=None, *, uncached=False):
            if key.text == bad:
                raise StoreUnreachableError(f"{key}: input/output error")
            return store.get(key, start, length, uncached=uncached)

        def head(self, key):
            return store.head(key)

    monkeypatch.setattr(module, "read_only", lambda path: Nothing())
    monkeypatch.setattr(module, "describe", lambda scratch, first, last: [Unit(key, (Item(key),)) for key in (bad, good)])
    job = LookJob(AnsweringStore(BadSector()), read_description(store).id, vault.root, 1, 2, None)
    assert [one.outcome for one in look(job).looks] == [CheckOutcome.UNREADABLE, CheckOutcome.SOUND]
    monkeypatch.setattr(BadSector, "head", lambda self, key: store.head(StoreKey("nothing")))  # an empty mount point
    with pytest.raises(StoreUnreachableError):
        look(job)


def test_a_store_that_cannot_say_which_it_is(vault):
    flip(vault, "strongroom.json", at=5)
    report = vault.audit()
    assert report.exit_status == 1
    assert [finding.code.label for finding in said(report)] == ["object-damaged"]


def test_strangers_and_litter(vault):
    vault.objects.put("Thumbs.db", b"x")
    vault.objects.put("packs/ab/readme.txt", b"x")
    key = vault.keys("bags/maps/v1/", "/bag/bagit.txt")[0].replace("bagit.txt", "extra.txt")
    vault.objects.put(key, b"x")
    report = vault.audit()
    assert report.exit_status == 0
    found = {finding.place.rpartition(" ")[2]: finding.code.label for finding in said(report)}
    assert found == {"Thumbs.db": "litter", "packs/ab/readme.txt": "unexpected", key: "unexpected"}


def test_limited_to_a_collection(vault):
    content = vault.keys("content/")[0]  # of maps alone
    flip(vault, content)
    report = vault.audit(name="letters")
    assert report.exit_status == 0, report.findings
    assert 0 < report.stores[0].bytes_read < 4 << 20
    assert vault.audit(name="maps", version=1).exit_status == 1
    with pytest.raises(UsageError, match="no bag"):
        vault.audit(name="nobody")


def test_quick_reads_nothing_and_says_so(vault, capfd, monkeypatch):
    before = rows(vault)
    objects = vault.objects.all()
    pack, content = vault.keys("packs/", ".tar")[0], vault.keys("content/")[0]
    flip(vault, pack)
    vault.objects.put(content, objects[content][:-1])
    vault.objects.delete(vault.keys("bags/maps/", "/bagit.txt")[0])
    report = vault.audit(quick=True)
    assert {(one.key, one.outcome.value) for one in report.stores[0].unsound} == {
        (content, "damaged"), (next(key for key in objects if "maps/" in key and key.endswith("/bagit.txt")), "missing")}
    assert report.stores[0].bytes_read == 0 and report.stores[0].outcomes.get(CheckOutcome.SOUND, 0) == 0
    assert "no byte was read" in report.summary()[0]
    assert rows(vault) == before
    validate(report.to_json(), "audit-report")


def test_an_audit_during_archive_runs_raises_no_alarm(vault):
    stop = threading.Event()
    trouble, made = [], []

    def keep_archiving():
        while not stop.is_set():
            number = len(made)
            vault.write("letters", f"more/{number}.bin", os.urandom(5000))
            try:
                made.append(vault.archive("letters"))
            except BaseException as error:
                trouble.append(error)
                return

    thread = threading.Thread(target=keep_archiving)
    thread.start()
    try:
        audits = 0
        while not trouble and (audits < 8 or len(made) < 4):
            report = vault.audit()
            assert (report.exit_status, said(report)) == (0, ())
            audits += 1
    finally:
        stop.set()
        thread.join()
    assert trouble == []
    assert vault.audit().exit_status == 0


def test_a_killed_audit_goes_on_where_it_was(vault):
    for number in range(3):  # enough that there are several batches
        for part in range(150):
            vault.write("letters", f"bulk/{number}/{part}.bin", os.urandom(50))
        vault.archive("letters")
    script = (
        "import time\n"
        "from strongroom.runner.local import LocalRunner\n"
        "from strongroom.usecases.audit import choose, one_store\n"
        "from strongroom.usecases.audit.request import AuditRequest\n"
        "from strongroom.usecases.audit.run import audit\n"
        "from strongroom.usecases.context import Context\n"
        "choose._UNITS_EACH = 5\n"
        "take, taken = one_store.StoreRun._take, []\n"
        "def three(self, result):\n"
        "    take(self, result)\n"
        "    taken.append(result)\n"
        "    if len(taken) == 3:\n"
        "        print('three batches', flush=True)\n"
        "        time.sleep(3600)\n"
        "one_store.StoreRun._take = three\n"
        "with LocalRunner(1, quiet=True) as runner:\n"
        "    audit(AuditRequest(), Context.from_environment(), runner)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "STRONGROOM_HOME": str(vault.context.home)}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env)
    assert process.stdout.readline() == b"three batches\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Catalogue.open(vault.context.catalogue) as catalogue:
        cut_off = last_audit(catalogue, 1)
    assert cut_off.ended is None
    done = {key for key, row in rows(vault).items() if row.seq == cut_off.seq}
    assert len(done) >= 15
    report = vault.audit()
    assert report.stores[0].seq == cut_off.seq + 1
    again = {key for key, row in rows(vault).items() if row.seq == cut_off.seq + 1}
    assert again and not again & done
    told = {check["key"] for check in documents(vault)[-1]["checks"]}
    assert done <= told  # what the killed run had found is in the store as well
    assert vault.audit().stores[0].bytes_read == vault.audit(quick=True).stores[0].listed_bytes - size_of_last(vault)


def size_of_last(vault):
    """Bytes of what the last audit itself wrote: its results and its log batch."""
    return sum(len(vault.objects.all()[key]) for key in (max(vault.keys("checks/")), max(vault.keys("log/"))))


def test_the_command(vault, capfd, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(vault.context.home))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert main(["audit", "letters/v1", "--json", "--max-bytes", "10MiB", "--quiet"]) == 0
    validate(json.loads(capfd.readouterr().out), "audit-report")
    flip(vault, vault.keys("content/")[0])
    assert main(["audit", "--store", vault.url, "--quiet"]) == 1
    out = capfd.readouterr()
    assert "damaged" in out.out and "data/atlas.tif" in out.err
    assert main(["audit", "--quick", "--full"]) == 2
    assert main(["audit", "--max-bytes", "0"]) == 2


def test_limits_are_checked():
    with pytest.raises(UsageError):
        AuditRequest(max_minutes=0)
    assert StoreKey("checks/000000000001/" + "ab" * 16 + "-0001.json")


@pytest.mark.s3
def test_a_server_that_is_down_is_unreachable(tmp_path):
    from tests.audit.site import make_vault
    from tests.fixtures.seaweedfs import make_bucket, running_server

    kept = dict(os.environ)
    try:
        with running_server() as server:
            os.environ.update(server.env)
            make_bucket(server.client(), "down")
            with LocalRunner(2, quiet=True) as runner:  # processes that know this server
                vault = make_vault(tmp_path, runner, "s3://down/store", server.client())
            before = rows(vault)
        with LocalRunner(2, quiet=True) as runner:
            vault.runner = runner
            report = vault.audit()
        assert report.exit_status == 3
        assert rows(vault) == before
    finally:
        os.environ.clear()
        os.environ.update(kept)
