"""`python -m tests.browser.screenshots`: the pictures of report and reading room in docs/images/, of the sample collection, archived
for them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import chromium, require_chromium
from tests.browser.fixture import WAIT
from tests.room.served import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs/images"
LARGEST = 200_000  # bytes of a picture
_ATTESTED = """\
stores:
  - {{store: "{0}", location: "Lanternmoor, the mill", threat: flood, media: hard disk}}
  - {{store: "{1}", location: "Inkwater, the school", threat: fire, media: USB disk}}
attested:
  storage-stable: {{statement: the web server was switched off after archiving, by: tallowmoth, date: 2026-11-01}}
  control-decided: {{statement: only the keeper has the disks, by: tallowmoth, date: 2026-11-01}}
"""
#: Pictures by name: the heading they begin with, and their height in pixels.
PARTS = {"report": (None, 1060), "report-fixity": ("fixity", 760), "report-likeness": ("likeness", 640), "report-levels": ("levels", 860)}

_ARTICLE = "/c/lanternmoor/v2/f/mirrors/attic.example/articles/lantern-walk.html"
#: Pictures of the room by name: where, width and height in pixels, what is clicked there.
ROOM = {
    "room": (_ARTICLE, 1100, 1480, None),
    "room-compare": (_ARTICLE, 1100, 900, ".near a"),
    "room-narrow": ("/c/lanternmoor/v2/f/lanternmoor.example/", 360, 740, None),
}


def sample(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Archive the sample collection twice into two stores, compare it, audit one of them; the page that tells of it."""
    from corpus.prepare import main as prepare
    from strongroom.cli.main import main

    for name, value in (("STRONGROOM_HOME", "home"), ("STRONGROOM_MANIFESTS", "manifests")):
        patch.setenv(name, str(folder / value))
    stores = [folder / "mill", folder / "school"]
    source, manifests = folder / "source", folder / "manifests"
    manifests.mkdir()
    prepare([str(source)])
    text = (ROOT / "manifests/demo.yaml").read_text()
    text = text.replace("source: ../.demo/source", f"source: {source}").replace("- ../.demo/store", f"- {stores[0]}\n  - {stores[1]}")
    (manifests / "lanternmoor.yaml").write_text(text)
    quiet = ["--quiet", "--no-prefect", "--workers", "1"]
    with redirect_stdout(sys.stderr):
        for store in stores:
            assert main(["store", "init", str(store)]) == 0
        assert main(["archive", *quiet, "lanternmoor"]) == 0
        (source / "farewell.html").write_text("<!doctype html><title>Farewell</title><p>The notice board closes today." * 300)
        shutil.copy(source / "farewell.html", source / "goodbye.html")
        assert main(["archive", *quiet, "lanternmoor"]) == 0
        assert main(["audit", *quiet, "--store", str(stores[0])]) == 0
        assert main(["similar", *quiet, "lanternmoor"]) == 0
        (manifests / "attestations.yaml").write_text(_ATTESTED.format(*(store.as_uri() for store in stores)))
        assert main(["report", "--quiet", "--html", str(folder / "report.html"), "--log"]) == 0
    return folder / "report.html"


def take(page_file: Path, images: Path, browser: Browser) -> list[Path]:
    """Pictures of parts of the page, light, 1,100 pixels wide."""
    taken = []
    page = browser.new_context(viewport={"width": 1100, "height": 900}, color_scheme="light", offline=True).new_page()
    page.set_default_timeout(WAIT)
    page.goto(page_file.as_uri())
    for name, (heading, height) in PARTS.items():
        page.eval_on_selector_all("#likeness ~ details", "found => found.forEach((one, at) => one.open = at == 1)")
        top = page.evaluate("id => id ? document.getElementById(id).getBoundingClientRect().top + scrollY - 4 : 0", heading)
        path = images / f"{name}.png"
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": top, "width": 1100, "height": height})
        assert path.stat().st_size < LARGEST, f"{path}: {path.stat().st_size} bytes"
        taken.append(path)
    page.context.close()
    return taken


def take_room(folder: Path, images: Path, browser: Browser) -> list[Path]:
    """Pictures of the reading room over what `sample` archived in `folder`."""
    from strongroom.cli.main import main

    with redirect_stdout(sys.stderr):
        assert main(["similar", "lanternmoor", "--quiet", "--no-prefect", "--workers", "1"]) == 0
    taken = []
    with serving(home=folder / "home", manifests=folder / "manifests", token=False) as served:
        for name, (path, width, height, click) in ROOM.items():
            page = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light").new_page()
            page.set_default_timeout(WAIT)
            page.goto(served.url + path, wait_until="networkidle")
            if click is not None:
                with page.expect_navigation():
                    page.locator(click).first.press("Enter")  # a click may be given to the frame that stood there before the page moved
                page.wait_for_load_state("networkidle")
            picture = images / f"{name}.png"
            page.screenshot(path=picture)
            assert picture.stat().st_size < LARGEST, f"{picture}: {picture.stat().st_size} bytes"
            taken.append(picture)
            page.context.close()
    return taken


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    # Paths are in the pictures, so they are short.
    with tempfile.TemporaryDirectory(prefix="a", dir="/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        page = sample(Path(folder), patch)
        with chromium(require_chromium()) as browser:
            taken = [*take(page, IMAGES, browser), *take_room(Path(folder), IMAGES, browser)]
        for path in taken:
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
