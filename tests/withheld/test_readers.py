"""What others do with a page that is withheld: restore, audit, replicate, repair, and recovery without the software."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile

from strongroom.core.digests import Digest
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.tombstone import Action
from strongroom.usecases.repair.run import repair
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from tests.withheld.site import HEX, PAGE, codes, contents, everything, tombstones


def take_down(site):
    site.withhold("news", paths=["people/ana.html"])


def test_a_restore_leaves_it_out_and_says_so(site):
    take_down(site)
    report = site.restore("news", "out")
    assert (report.exit_status, report.complete, report.files, report.written, report.withheld) == (0, True, 6, 5, 1)
    (said,) = [one for one in report.findings if one.code.label == "withheld"]
    assert (said.place, said.message) == (
        "news/v2: data/people/ana.html", "is withheld, and was left out: asked for by the person")
    assert "incomplete bag" in report.summary()[1]
    assert "incomplete bag" not in site.restore("news", "files", payload_only=True).summary()[1]
    assert not (site.root / "out/data/people/ana.html").exists()
    assert PAGE not in everything(site.root / "out")
    assert site.restore("mirror", "mirror").withheld == 1
    assert site.restore("news", "old", version=1, payload_only=True).withheld == 1
    assert PAGE not in everything(site.root / "old") + everything(site.root / "mirror")


def test_a_restore_without_our_home_leaves_it_out(site):
    take_down(site)
    site.home = "elsewhere"
    report = site.restore("news", "out", source=str(site.store("one")))
    assert (report.exit_status, report.withheld) == (0, 1)
    assert PAGE not in everything(site.root / "out")


def test_what_an_interrupted_restore_had_put_there_goes(site):
    request = RestoreRequest("news", site.root / "out")
    restore(request, site.context, site.runner)
    (site.root / "out").rename(site.root / "whole")
    identity = request.identity(site_seal(site, "news", 2))
    (site.root / "whole").rename(site.root / f".out.partial-{identity}")
    take_down(site)
    report = site.restore("news", "out")
    assert (report.withheld, report.complete) == (1, True)
    assert PAGE not in everything(site.root / "out")


def test_an_audit_does_not_miss_it_until_it_is_not_withheld_any_more(site):
    """A replica that was made meanwhile never had its bytes."""
    take_down(site)
    site.replicate("news")
    two = str(site.store("two"))
    report = site.audit(stores=(f"file://{two}",))
    (one,) = report.stores
    assert report.exit_status == 0, report.findings
    assert one.outcomes[CheckOutcome.WITHHELD] == 1
    assert one.outcomes.get(CheckOutcome.MISSING, 0) == 0
    site.withhold("news", paths=["people/ana.html"], action=Action.LIFT)
    report = site.audit(stores=(f"file://{two}",))
    assert report.exit_status == 1
    assert any("ana.html" in str(finding) and finding.code.label == "content-missing" for finding in report.findings)
    assert site.replicate("news").exit_status == 0


def test_a_replica_has_the_tombstone_and_not_the_page(site):
    take_down(site)
    report = site.replicate("news")
    assert report.exit_status == 0, report.findings
    two = site.store("two")
    assert [one["sha256"] for one in tombstones(two)] == [HEX]
    assert (two / "bags/news/v2/seal.json").exists()
    assert HEX not in contents(two)
    assert PAGE not in everything(two)
    assert site.restore("news", "out", source=str(two)).withheld == 1


def test_names_stay_out_of_a_store_where_the_collection_does_not_belong(site):
    site.stores["mirror"].append(str(site.store("three")))
    take_down(site)
    site.replicate("mirror")
    three = site.store("three")
    assert [one["sha256"] for one in tombstones(three)] == [HEX]
    assert b"people/ana" not in everything(three)
    assert b"news/v" not in everything(three)
    assert PAGE not in everything(three)


def test_disks_in_turns_get_the_tombstone_before_anything_else(site):
    """The page lies in two. While two is in its drawer the page is withheld; then one is lost, and two comes back."""
    site.replicate("news")
    assert HEX in contents(site.store("two"))
    shutil.move(site.root / "two", site.root / "drawer")
    take_down(site)
    shutil.move(site.root / "one", site.root / "lost")
    shutil.move(site.root / "drawer", site.root / "two")
    site.replicate("news")
    assert [one["sha256"] for one in tombstones(site.store("two"))] == [HEX]
    site.home = "elsewhere"
    assert site.restore("news", "out", source=str(site.store("two"))).withheld == 1


def test_a_repair_does_not_bring_it_back(site):
    """One store lost the pack with the page; the other has it whole, byte for byte."""
    site.replicate("news")
    site.audit()
    packs = [path for path in site.store("two").glob("packs/*/*.tar") if HEX.encode() in path.read_bytes()]
    take_down(site)
    for path in packs:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:600] + b"\0" * 5000)
    site.audit()
    report = repair(site.context, site.runner)
    assert "content-missing" not in codes(report)
    assert HEX not in sound_contents(site.store("two"))
    assert site.restore("news", "out", source=str(site.store("two"))).written == 5


def test_recovery_without_the_software(site):
    take_down(site)
    store = site.store("one")
    done = subprocess.run(
        [sys.executable, "-I", str(store / "recover.py"), str(store), "news/v2", str(site.root / "by-hand")],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "WITHHELD: data/people/ana.html" in done.stderr
    assert PAGE not in everything(site.root / "by-hand")
    cut = ["awk", "/^-----8</ { on = !on; next } on", str(store / "README.txt")]
    (site.root / "recover.sh").write_bytes(subprocess.run(cut, capture_output=True, check=True).stdout)
    done = subprocess.run(
        ["sh", str(site.root / "recover.sh")], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "STORE": str(store), "BAG": "news/v2", "DEST": str(site.root / "by-recipe")})
    assert done.returncode == 1
    assert "WITHHELD: data/people/ana.html" in done.stderr
    assert PAGE not in everything(site.root / "by-recipe")
    assert (site.root / "by-recipe/data/p1.html").read_bytes() == b"<p>news 1"


def site_seal(site, name, version):
    return Digest.of((site.store("one") / f"bags/{name}/v{version}/seal.json").read_bytes())


def sound_contents(store):
    """Contents of packs that can still be read from end to end."""
    found = set()
    for pack in store.glob("packs/*/*.tar*"):
        if hashlib.sha256(pack.read_bytes()).hexdigest() == pack.name[:64]:
            with tarfile.open(pack) as tar:
                found |= {member.name for member in tar.getmembers()}
    return found
