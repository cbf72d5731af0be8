"""An export of ten times as many files takes no more memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.restore.builder import make_store, seal_bag

ROOT = Path(__file__).parents[2]
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def store_of(folder, count):
    (folder / "store").mkdir(parents=True)
    store = make_store(f"file://{folder}/store")
    contents = {f"data/{number // 500:04}/file {number}.txt": b"%d\n" % number for number in range(count)}
    technical = [
        {"path": path, "size": len(data), "mode": "644", "mtime": 0, "type": "text/plain"}
        for path, data in sorted(contents.items(), key=lambda item: item[0].encode())
    ]
    seal_bag(store, "many/v1", technical, [], [], contents, pack_size=1 << 16)
    return store.url


def peak(folder, url, *options):
    """MiB of memory that the command took at its highest."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "strongroom", "export", "many", *options, "--from", url, "--quiet", "--no-prefect", "--workers", "1"]
    # By way of a small process: the peak of one that this one starts would begin with the memory of these tests.
    measured = [sys.executable, "-c", _MEASURE, *map(str, command)]
    done = subprocess.run(measured, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.mark.slow
def test_fifty_thousand_files(tmp_path):
    settings = ('{"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "urn:p"}, "Manifests-Required": ["md5"], "Allow-Fetch.txt": false, '
                '"Accept-Serialization": ["application/tar"]}')
    (tmp_path / "profile.json").write_text(settings)
    few, many = tmp_path / "few", tmp_path / "many"
    urls = {few: store_of(few, 5_000), many: store_of(many, 50_000)}
    for name, *options in (
        ("o.tar", "--as", "tar", "--profile", tmp_path / "profile.json", "--ro-crate", "--premis"), ("o.zip", "--as", "zip"),
        ("object", "--as", "ocfl"),
    ):
        small, large = (peak(folder, urls[folder], folder / name, *options) for folder in (few, many))
        assert large < small + 24 and large < 120, (name, small, large)
