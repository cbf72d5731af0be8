"""A real tree of documentation, links and all: archived, restored, compared, and judged by other people's validators."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.core.pack import LARGE_CONTENT
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.context import Context
from strongroom.usecases.restore import RestoreRequest, restore
from strongroom.usecases.verify import verify
from tests.archive.conftest import Site
from tests.recovery.conftest import Recover, recover

__all__ = ["recover"]

DOC = Path("/usr/share/doc")
#: Files, so that the test stays short. The whole tree: STRONGROOM_TEST_FILES=1000000 python -m pytest tests/endtoend/test_real_tree.py
MOST = int(os.environ.get("STRONGROOM_TEST_FILES", "1500"))


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind, mode, mtime to the nanosecond, and bytes or link target."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            key = os.fsdecode(os.path.relpath(path, os.fsencode(root)))
            if os.path.islink(path):
                found[key] = ("link", info.st_mtime_ns, os.readlink(path))
            elif os.path.isdir(path):
                found[key] = ("folder", oct(info.st_mode), info.st_mtime_ns)
            else:
                with open(path, "rb") as file:
                    found[key] = ("file", oct(info.st_mode), info.st_mtime_ns, file.read())
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Part of the machine's own documentation, and what it may lack: a large file, empty folders, odd names, odd times and modes."""
    root = tmp_path_factory.mktemp("tree") / "doc"
    root.mkdir()
    count = 0
    for package in sorted(DOC.iterdir()) if DOC.is_dir() else []:
        if count >= MOST:
            break
        if package.is_dir() and not package.is_symlink():
            shutil.copytree(package, root / package.name, symlinks=True)
            count += sum(len(files) for _, _, files in os.walk(package))
    for number in range(min(MOST, 1500) - count):  # a machine without documentation
        (root / f"made-{number % 40}").mkdir(exist_ok=True)
        (root / f"made-{number % 40}/{number}.txt").write_text(f"page {number}\n" * (number % 50))
    (root / "empty folder/below").mkdir(parents=True)
    (root / "large.bin").write_bytes(os.urandom(LARGE_CONTENT + 12345))
    (root / "dangling").symlink_to("no/where")
    (root / "line\nbreak, ~tilde and 'quotes'").write_text("odd; what other validators cannot read is in tests/archive")
    (root / "only me").write_text("secret")
    (root / "only me").chmod(0o600)
    os.utime(root / "only me", ns=(1, 1_234_567_890_123_456_789))
    os.utime(root / "empty folder", ns=(1, 1_111_111_111_000_000_001))
    return root


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_archived_and_restored_it_is_the_same(tree, kind, tmp_path, request):
    url = str(tmp_path / "store") if kind == "file" else request.getfixturevalue("s3_bucket")()
    init_store(url)
    with LocalRunner(2, quiet=True) as runner:  # its workers have the server's credentials in their environment
        archive_and_compare(tree, url, runner, tmp_path)


def archive_and_compare(tree, url, runner, tmp_path):
    site = Site(tmp_path, runner, store_url=url, name="doc")
    (tmp_path / "source").symlink_to(tree)
    report = site.run()
    assert (report.bag, report.exit_status) == ("doc/v1", 0)

    context = Context(tmp_path / "home")
    files = restore(RestoreRequest("doc", tmp_path / "files", payload_only=True), context, runner)
    assert files.exit_status == 0
    assert snapshot(tmp_path / "files") == snapshot(tree)

    bag = restore(RestoreRequest("doc", tmp_path / "bag"), context, runner)
    assert bag.exit_status == 0
    assert verify(tmp_path / "bag").valid
    for command in ([sys.executable, "-m", "bagit", "--validate", "--quiet"], ["bdbag", "--validate", "full", "--quiet"]):
        program = [str(Path(sys.executable).with_name(command[0])), *command[1:]] if command[0] == "bdbag" else command
        result = subprocess.run([*program, str(tmp_path / "bag")], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_other_validators_accept_a_bag_with_ordinary_names(runner, tmp_path):
    site = Site(tmp_path, runner)
    init_store(str(site.store))
    site.write("index.html", "<p>home")
    site.write("письмо/文書.txt", "two scripts")
    site.write("with space.txt", "x")
    site.run()
    restore(RestoreRequest("site", tmp_path / "bag"), Context(tmp_path / "home"), runner)
    for program in ([sys.executable, "-m", "bagit", "--validate"], [str(Path(sys.executable).with_name("bdbag")), "--validate", "full"]):
        result = subprocess.run([*program, str(tmp_path / "bag")], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_recipe_in_the_store_recovers_what_the_product_wrote(tree, runner, tmp_path, recover: Recover):
    site = Site(tmp_path, runner, name="doc")
    init_store(str(site.store))
    (tmp_path / "source").symlink_to(tree)
    site.run()
    assert (site.store / "README.txt").read_bytes() == (Path(__file__).parents[2] / "src/strongroom/stores/readme.txt").read_bytes()
    result = recover(site.store, tmp_path / "recovered", BAG="doc/v1")
    assert result.returncode == 0, result.stdout + result.stderr
    recovered = {name: entry[3] for name, entry in snapshot(tmp_path / "recovered/data").items() if entry[0] == "file"}
    assert recovered == {name: entry[3] for name, entry in snapshot(tree).items() if entry[0] == "file"}
    assert verify(tmp_path / "recovered").valid
