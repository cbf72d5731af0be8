"""Two releases of a real documentation, and a manual in many languages: `python -m tests.likeness.trees`.

Without folders, the documentation comes from two source distributions of SQLAlchemy (pip download), and the manual is the installation
guide of Debian (apt-get download); `--old DIR --new DIR` and `--manual DIR` take others. Exit status 1 if recall or precision at a Jaccard
of 0.8 is below 0.99, if the search took more than a tenth of the time of comparing all with all, or if a page is called like its
translation.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.catalogue.likeness import clusters, members
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from tests.likeness import brute
from tests.likeness.conftest import Vault

RELEASES = ("2.0.36", "2.0.44")
#: Languages into which the manual is translated in full. (In others some pages are English still, and those are alike.)
LANGUAGES = ("de", "fr", "pt", "nl", "es", "ja", "zh_CN", "ko")
GUIDE = "installation-guide-amd64"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("old", "new", "manual"):
        parser.add_argument(f"--{name}", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, LocalRunner(2, quiet=True) as runner:
        root = Path(scratch)
        old, new = (args.old, args.new) if args.old and args.new else releases(root)
        vault = Vault(root, runner)
        init_store(str(root / "store"))
        return max(versions(vault, old, new), translations(vault, args.manual or guide(root)))


def versions(vault: Vault, old: Path, new: Path) -> int:
    count = 0
    for tree in (old, new):
        shutil.rmtree(vault.source("docs"), ignore_errors=True)
        for file in tree.rglob("*.html"):
            vault.write("docs", str(file.relative_to(tree)), file.read_bytes())
            count += 1
        vault.archive("docs")
    began = time.monotonic()
    vault.similar("docs")
    whole = time.monotonic() - began
    search = compare_again(vault)
    texts = brute.texts(vault.context.home)
    began = time.monotonic()
    expected = set(brute.pairs(texts))
    all_with_all = time.monotonic() - began
    found, same = pages(vault)
    recall, precision = len(found & expected) / len(expected), len(found & expected) / len(found)
    print(f"{count} pages in two releases, {len(texts)} distinct texts; {len(expected)} pairs with a Jaccard of 0.8 or more, of which "
          f"{same} are one page in both; recall {recall:.4f}, precision {precision:.4f}")
    print(f"reading and comparing {whole:.1f} s; comparing alone {search:.2f} s, all with all {all_with_all:.1f} s: "
          f"1/{all_with_all / search:.0f} of the time")
    return int(recall < 0.99 or precision < 0.99 or search > all_with_all / 10)


def compare_again(vault: Vault) -> float:
    """Seconds for comparing everything once more, without reading."""
    with Catalogue.open(vault.context.catalogue) as catalogue, catalogue.transaction() as db:
        db.execute("UPDATE likeness_contents SET compared = 0")
    began = time.monotonic()
    report = vault.similar("docs", most=0)
    assert report.looked == 0
    assert report.compared > 0
    return time.monotonic() - began


def pages(vault: Vault) -> tuple[set[frozenset[str]], int]:
    """The pairs that are alike, and how many of them are of one path."""
    found: set[frozenset[str]] = set()
    same = 0
    with Catalogue.open(vault.context.catalogue) as catalogue:
        for cluster in clusters(catalogue, seen=None, pairs=100_000):
            where = {content: members(catalogue, content, seen=None)[0].path for content in cluster.contents}
            for pair in cluster.pairs:
                if pair.jaccard >= 0.8:
                    found.add(frozenset((pair.a.hex, pair.b.hex)))
                    same += where[pair.a] == where[pair.b]
    return found, same


def translations(vault: Vault, manual: Path) -> int:
    for language in LANGUAGES:
        for file in (manual / language).rglob("*.html"):
            vault.write("manual", f"{language}/{file.relative_to(manual / language)}", file.read_bytes())
    vault.archive("manual")
    report = vault.similar("manual")
    wrong = []
    for shown in report.clusters:
        where = {content: [one.path.removeprefix("data/") for one in found] for content, found in shown.members.items()}
        for pair in shown.cluster.pairs:
            for a in where[pair.a]:
                for b in where[pair.b]:
                    if a.split("/")[0] != b.split("/")[0]:
                        wrong.append(f"{a} and {b}: {pair.jaccard:.2f}, contained {pair.containment:.2f}")
    pages_in = f"{report.contents['text']} pages in {len(LANGUAGES)} languages"
    print(f"{pages_in}: {len(wrong)} pairs across languages are called alike or contained")
    for line in wrong:
        print("  " + line)
    return int(bool(wrong))


def releases(root: Path) -> list[Path]:
    for release in RELEASES:
        options = ["-q", "--no-binary", ":all:", "--no-deps", "-d", root / "sdists"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"sqlalchemy=={release}"], check=True)
    for file in (root / "sdists").glob("*.tar.gz"):
        with tarfile.open(file) as tar:
            tar.extractall(root / "sdists", filter="data")
    return [root / "sdists" / f"sqlalchemy-{release}" / "doc" for release in RELEASES]


def guide(root: Path) -> Path:
    subprocess.run(["apt-get", "download", "-q", GUIDE], cwd=root, check=True)
    (package,) = root.glob(f"{GUIDE}*.deb")
    subprocess.run(["dpkg", "-x", package, root / "guide"], check=True)
    return root / "guide/usr/share/doc" / GUIDE


if __name__ == "__main__":
    sys.exit(main())
