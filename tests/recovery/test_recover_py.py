"""recover.py, run exactly as it lies in a store: with nothing but python3, isolated, and compared with our own restore."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context
from strongroom.usecases.restore import RestoreRequest, restore
from tests.archive.conftest import Site, runner, site  # noqa: F401 -- fixtures
from tests.fixtures.seals import altered, summed
from tests.recovery.builder import LARGE, Store, build, canonical, encode, member, payload, sha256
from tests.recovery.conftest import read_tree
from tests.recovery.test_recipe import HOSTILE, PLAIN, check

SCRIPT = Path(__file__).parents[2] / "src/strongroom/stores/recover.py"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def recover(tmp_path: Path) -> Run:
    """recover(root, dest, *options, bag=…, zstd=…): run the recover.py of the store at `root`, which gets it if it was not made by us."""
    tools = tmp_path / "toolbox of python"
    tools.mkdir()
    (tools / "python3").symlink_to(os.path.realpath(sys.executable))

    def run(root: Path, dest: Path, *options: str, bag: str = "pages/v1", zstd: bool = False) -> subprocess.CompletedProcess[str]:
        if zstd and not (tools / "zstd").exists():
            (tools / "zstd").symlink_to(shutil.which("zstd") or pytest.skip("zstd is not on this machine"))
        script = root / "recover.py"
        if not script.exists():
            shutil.copyfile(SCRIPT, script)
        command = ["env", "-i", f"PATH={tools}", "python3", "-I", "-S", str(script), *options, str(root), bag, str(dest)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)

    return run


def described(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything below `folder` and the folder itself: kind, mode, time, bytes or target."""
    found = {}
    root = os.fsencode(folder)
    for parent, folders, files in os.walk(root):
        for path in [parent, *(os.path.join(parent, name) for name in folders + files)]:
            at = os.lstat(path)
            if stat.S_ISLNK(at.st_mode):
                what: tuple[object, ...] = ("link", at.st_mtime_ns, os.readlink(path))
            elif stat.S_ISDIR(at.st_mode):
                what = ("folder", at.st_mode, at.st_mtime_ns)
            else:
                with open(path, "rb") as file:
                    what = ("file", at.st_mode, at.st_mtime_ns, file.read())
            found[os.path.relpath(path, root)] = what
    return found


def archived(site: Site) -> None:  # noqa: F811
    """A real collection with all that a folder can hold."""
    source = os.fsencode(site.source)
    for name, data in HOSTILE.items():
        path = os.path.join(source, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    site.write("large.bin", os.urandom(LARGE + 1))
    (site.source / "bare folder").mkdir()
    os.mkdir(os.path.join(source, b"caf\xe9/bare"))
    (site.source / "link").symlink_to("pages/a.html")
    (site.source / "dangling").symlink_to("/no/such")
    os.symlink(b"caf\xe9", os.path.join(source, b"link\xff"))
    (site.source / "pages/a.html").chmod(0o640)
    (site.source / "pages").chmod(0o555)
    os.utime(site.source / "bare folder", ns=(1, 1_234_567_890_123_456_789))
    os.utime(site.source / "index.html", ns=(1, 987_654_321_000_000_001))
    try:
        assert site.run().bag == "site/v1"
    finally:
        (site.source / "pages").chmod(0o755)


@pytest.mark.parametrize("whole", [True, False], ids=["bag", "files"])
def test_a_real_store_is_restored_as_we_restore_it(site: Site, recover: Run, whole: bool) -> None:  # noqa: F811
    archived(site)
    ours, theirs = site.root / "ours", site.root / "theirs"
    request = RestoreRequest("site", ours, 1, payload_only=not whole)
    report = restore(request, Context(site.root / site.home), site.runner)
    assert report.exit_status == 0, report.findings
    before = read_tree(site.store)
    run = recover(site.store, theirs, *([] if whole else ["--files"]), bag="site/v1")
    assert (run.returncode, run.stderr.splitlines()[-1]) == (0, f"{report.files} files in {theirs}; 0 problems."), run.stderr
    expected, found = described(ours), described(theirs)
    if whole:  # dates of tag files and of the bag's own folders are nobody's
        nobodys = (b"data/_names", b".")
        expected, found = (
            {path: what for path, what in tree.items() if path.startswith(b"data") and path not in nobodys} for tree in (expected, found))
        assert read_tree(ours) == read_tree(theirs)
    assert found == expected
    assert len(found) > len(HOSTILE)
    assert read_tree(site.store) == before  # only read
    assert not list(site.root.glob("*.part"))


def test_it_lies_in_every_new_store_and_old_pythons_understand_it(tmp_path: Path) -> None:
    init_store(str(tmp_path / "store"))
    data = (tmp_path / "store/recover.py").read_bytes()
    assert data == SCRIPT.read_bytes()
    ast.parse(data, feature_version=(3, 8))
    nodes = list(ast.walk(ast.parse(data)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert imported <= sys.stdlib_module_names


def test_hostile_names(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "a store's root", PLAIN | HOSTILE)
    run = recover(store.root, tmp_path / "re stored")
    assert run.returncode == 0, run.stderr
    check(tmp_path / "re stored", store, PLAIN | HOSTILE)
    run = recover(store.root, tmp_path / "files", "--files")
    assert run.returncode == 0, run.stderr
    assert read_tree(tmp_path / "files") == PLAIN | HOSTILE


def test_bagit_python_accepts_the_result(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    assert recover(store.root, tmp_path / "out").returncode == 0
    bagit.Bag(str(tmp_path / "out")).validate()


def test_hints_may_be_absent_or_wrong(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    store.path(store.pack_key(0).replace(".tar", ".jsonl")).write_bytes(b"\0garbage")
    store.path(f"{store.label}/placement.jsonl").unlink()
    assert recover(store.root, tmp_path / "out").returncode == 0
    check(tmp_path / "out", store, PLAIN)
    store.write(f"{store.label}/placement.jsonl", b'{"pack":"%s"}\nnonsense\n{"object":7}\n\xff' % (b"0" * 64))
    assert recover(store.root, tmp_path / "again").returncode == 0
    check(tmp_path / "again", store, PLAIN)


def test_a_damaged_member_is_named_and_the_rest_restored(tmp_path: Path, recover: Run) -> None:
    files = PLAIN | {b"precious\n100%": b"irreplaceable"}
    store = build(tmp_path / "store", files, packs=1)
    pack = store.path(store.pack_key(0))
    pack.write_bytes(pack.read_bytes().replace(b"irreplaceable", b"IRREPLACEABLE"))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED OR MISSING: data/precious\\n100%" in run.stderr.splitlines()
    del files[b"precious\n100%"]
    check(tmp_path / "out", store, files)


def test_a_damaged_header_costs_nothing_while_there_is_an_index(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN, packs=1)
    pack = store.path(store.pack_key(0))
    data = bytearray(pack.read_bytes())
    data[100:512] = b"\xff" * 412
    pack.write_bytes(data)
    assert recover(store.root, tmp_path / "out").returncode == 0
    check(tmp_path / "out", store, PLAIN)
    store.path(store.pack_key(0).replace(".tar", ".jsonl")).unlink()
    run = recover(store.root, tmp_path / "again")
    assert run.returncode == 1
    assert sum("DAMAGED" in line for line in run.stderr.splitlines()) == 2  # its first member lies under two names


def test_later_generations_are_used(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    keys = [*(store.pack_key(number) for number in range(2)), f"{store.tags}/manifest-sha256.txt", f"{store.label}/seal.json"]
    large = sha256(PLAIN[b"large.bin"])
    for key in [*keys, f"content/{large[:2]}/{large}"]:
        data = store.path(key).read_bytes()
        store.path(key + "~10").write_bytes(data)
        store.path(key + "~2").write_bytes(data[:-1] + b"?")
        store.path(key).write_bytes(data[: len(data) // 2])
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    for path in store.path(store.tags).rglob("*~*"):
        path.unlink()
    assert recover(store.root, tmp_path / "again").returncode == 1  # the seal is found, and its bag is damaged
    shutil.copyfile(tmp_path / "out/manifest-sha256.txt", store.path(f"{store.tags}/manifest-sha256.txt"))
    check(tmp_path / "out", store, PLAIN)


def tombstone(data: bytes, action: str, previous: list[str]) -> bytes:
    says = {"action": action, "agents": [], "bags": None, "bytes": None, "created": "", "format": "strongroom-tombstone/1", "number": 1,
            "previous": previous, "reason": "asked for", "sha256": sha256(data)}
    return json.dumps(says, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_what_is_withheld_is_said_to_be(tmp_path: Path, recover: Run) -> None:
    files = PLAIN | {b"gone": b"taken down", b"still here": b"withheld, and not swept yet"}
    store = build(tmp_path / "store", files, packs=1)
    pack = store.path(store.pack_key(0))
    pack.write_bytes(pack.read_bytes().replace(b"taken down", bytes(10)))
    for data in (b"taken down", files[b"still here"], b"<h1>Welcome</h1>\n"):
        withheld = tombstone(data, "withhold", [])
        store.write(f"withheld/{sha256(data)[:2]}/{sha256(data)}/1.json", withheld)
        if data.startswith(b"<h1>"):
            store.write(f"withheld/{sha256(data)[:2]}/{sha256(data)}/2.json", tombstone(data, "lift", [sha256(withheld)]))
    store.write(f"withheld/{sha256(b'x')[:2]}/{sha256(b'x')}/1.json", b"no tombstone")
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert {line for line in run.stderr.splitlines() if "data/" in line} == {"WITHHELD: data/gone", "WITHHELD: data/still here"}
    del files[b"gone"], files[b"still here"]
    check(tmp_path / "out", store, files)


@pytest.mark.parametrize("path", [b"../../evil", b"data/../../evil", b"/evil", b"data//evil", b"data/./evil", b"data/", b"data/x\0y"])
def test_paths_that_leave_the_payload_are_refused(tmp_path: Path, recover: Run, path: bytes) -> None:
    line = b"%s  %s\n" % (sha256(b"<h1>Welcome</h1>\n").encode(), encode(path))
    store = build(tmp_path / "store", PLAIN, manifest_lines=(line,))
    for options in ([], ["--files"]):
        dest = tmp_path / "in" / f"out{len(options)}"
        run = recover(store.root, dest, *options)
        assert run.returncode == 1
        assert any(text.startswith("REFUSED") for text in run.stderr.splitlines())
        assert not list(tmp_path.rglob("evil"))
    check(tmp_path / "in/out0", store, PLAIN)


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path, recover: Run) -> None:
    line = b"%s  data/index.html/below\n" % sha256(b"").encode()
    store = build(tmp_path / "store", PLAIN, manifest_lines=(line,))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    tree = read_tree(tmp_path / "out")
    assert (b"data/index.html" in tree) != (b"data/index.html/below" in tree)


def add_tag_file(store: Store, path: str, data: bytes) -> None:
    """Add a tag file to a bag, and seal it again: what a hostile sealer could write."""
    store.write(f"{store.tags}/{path}", data)
    seal = json.loads(store.path(f"{store.label}/seal.json").read_bytes())
    for name in seal["tag_manifests"]:
        algorithm = name[len("tagmanifest-"):-len(".txt")]
        manifest = store.path(f"{store.tags}/{name}")
        manifest.write_bytes(manifest.read_bytes() + f"{hashlib.new(algorithm, data).hexdigest()}  {path}\n".encode())
        seal["tag_manifests"][name] = sha256(manifest.read_bytes())
    store.path(f"{store.label}/seal.json").write_bytes(summed(seal))


def test_nothing_is_written_through_a_link(tmp_path: Path, recover: Run) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store = build(tmp_path / "store", PLAIN)

    def link(path: str, target: bytes) -> bytes:
        return canonical({"kind": "symlink", "path": path, "target": base64.b64encode(target).decode(), "mtime": 0})

    add_tag_file(store, "metadata/structure.jsonl", b"".join([
        link("data/a", os.fsencode(outside)), link("data/a/b", b"anything"), link("data/n", os.fsencode(outside)),
        canonical({"kind": "directory", "path": "data/n/below", "mode": "0700", "mtime": 0}),
        link("data/../x", b"y"), link("data/fine", b"index.html"), link("data/index.html", b"empty"),
    ]))
    run = recover(store.root, tmp_path / "out", "--files")
    assert run.returncode == 1
    assert list(outside.iterdir()) == []
    assert (tmp_path / "out/fine").readlink() == Path("index.html")
    made = described(tmp_path / "out")
    assert {path: what[-1] for path, what in made.items() if what[0] == "file"} == PLAIN
    assert {path for path, what in made.items() if what[0] == "link"} == {b"a/b", b"fine"}
    assert not os.path.lexists(tmp_path / "x")


def test_a_name_that_is_not_its_own_is_refused(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    rows = [{"bytes": base64.b64encode(name).decode(), "path": f"data/_names/{sha256(b'other')}"} for name in (b"../x", b"index.html")]
    add_tag_file(store, "metadata/names.jsonl", b"".join(map(canonical, rows)))
    run = recover(store.root, tmp_path / "out", "--files")
    assert run.returncode == 1
    assert sum("another name" in line for line in run.stderr.splitlines()) == 2
    assert read_tree(tmp_path / "out") == PLAIN


def test_a_lost_manifest_is_made_good_by_fetch_txt(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN | HOSTILE)
    store.path(f"{store.tags}/manifest-sha256.txt").unlink()
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED OR MISSING tag file: manifest-sha256.txt" in run.stderr
    tree = read_tree(tmp_path / "out")
    assert {path: data for path, data in tree.items() if path.startswith(b"data/")} == payload(PLAIN | HOSTILE)
    store.path(f"{store.tags}/fetch.txt").unlink()
    assert recover(store.root, tmp_path / "again").returncode == 2


def test_a_tag_file_must_have_every_digest_it_is_given(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    manifest = store.path(f"{store.tags}/tagmanifest-sha512.txt")
    data = manifest.read_bytes()
    changed = data.replace(data[:128], b"0" * 128)
    manifest.write_bytes(changed)
    seal = store.path(f"{store.label}/seal.json")
    seal.write_bytes(summed(json.loads(seal.read_bytes().replace(sha256(data).encode(), sha256(changed).encode()))))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED OR MISSING tag file" in run.stderr


def test_forks_voids_and_damaged_seals(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    seal = store.path(f"{store.label}/seal.json")
    good = seal.read_bytes()
    liar = store.write(f"{store.label}/seal.json~1", good[:-3] + b"\n")
    assert recover(store.root, tmp_path / "one").returncode == 0  # what does not parse is no seal
    liar.write_bytes(good.replace(b'"sealed":"2026', b'"sealed":"2027'))
    assert recover(store.root, tmp_path / "rotten").returncode == 0  # nor what does not agree with itself
    liar.write_bytes(altered(good, sealed="2027-01-01T00:00:00Z"))
    run = recover(store.root, tmp_path / "two")
    assert (run.returncode, "fork" in run.stderr) == (2, True)
    assert recover(store.root, tmp_path / "three", "--seal", sha256(good)).returncode == 0
    liar.unlink()
    whole = {path: path.read_bytes() for path in store.path(store.tags).glob("tagmanifest-*")}
    store.plant()  # and the tag manifest of the true one is damaged
    run = recover(store.root, tmp_path / "planted")
    assert (run.returncode, sha256(good) in run.stderr) == (2, True), run.stderr
    assert recover(store.root, tmp_path / "chosen", "--seal", sha256(good)).returncode == 1
    for path, data in whole.items():
        path.write_bytes(data)
    assert recover(store.root, tmp_path / "healed", "--seal", sha256(good)).returncode == 0
    liar.unlink()
    seal.write_bytes(altered(good, bag="pages/v2"))
    assert recover(store.root, tmp_path / "four").returncode == 2
    seal.write_bytes(summed({"format": "strongroom-seal/1", "bag": store.bag, "attempt": None, "previous": None, "sealed": "x"}))
    run = recover(store.root, tmp_path / "five")
    assert (run.returncode, "out of use" in run.stderr) == (2, True)
    assert not list(tmp_path.glob("*.part"))


def test_wrong_usage_leaves_everything_alone(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN)
    (tmp_path / "out").mkdir()
    assert recover(store.root, tmp_path / "out").returncode == 2
    for bag in ("pages", "pages/v2", "../pages/v1", "pages/v1/../v1", "x" * 65 + "/v1"):
        assert recover(store.root, tmp_path / "new", bag=bag).returncode == 2
    assert recover(tmp_path / "out", tmp_path / "new").returncode == 2
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob("*.part"))


def test_fifos_and_links_in_the_store_are_not_waited_for(tmp_path: Path, recover: Run) -> None:
    store = build(tmp_path / "store", PLAIN, packs=2)
    pack = store.path(store.pack_key(0))
    shutil.move(pack, f"{pack}~1")
    os.mkfifo(pack)
    assert recover(store.root, tmp_path / "out").returncode == 0
    check(tmp_path / "out", store, PLAIN)


def test_a_pack_of_another_writer_with_a_huge_member_is_streamed(tmp_path: Path, recover: Run) -> None:
    big = bytes(70 << 20)
    store = build(tmp_path / "store", {b"big": big, b"copy": big, b"small": b"x"})
    digest = sha256(big)
    store.path(f"content/{digest[:2]}/{digest}").unlink()
    tar = member(digest, big) + bytes(1024)
    store.write(f"packs/{sha256(tar)[:2]}/{sha256(tar)}.tar", tar)
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    check(tmp_path / "out", store, {b"big": big, b"copy": big, b"small": b"x"})
