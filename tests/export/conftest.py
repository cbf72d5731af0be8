"""A collection archived twice for real, exports of it, and the standards' own files."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from strongroom.usecases.context import Context
from strongroom.usecases.export.request import ExportReport, ExportRequest
from strongroom.usecases.export.run import export
from tests.archive.conftest import Site, runner, site

__all__ = ["runner", "site"]

STANDARDS = Path(__file__).with_name("standards")
SETTINGS = """\
max_loss: 90 %
title: The lantern archive
description: What was left of a site about lanterns.
identifiers: [{type: DOI, value: "10.1234/lantern"}, "local <1> & more"]
agents:
  - {name: Example Archive, role: custodian, email: archive@example.org, address: "1 Example Way"}
  - {name: A. Keeper, role: contact, email: keeper@example.org, phone: "+1 555 0100"}
  - {name: B. Writer, role: author}
rights: {statement: "CC BY 4.0", license: "https://creativecommons.org/licenses/by/4.0/", holder: Example Archive}
languages: [en, nb]
export:
  tag_files:
    aptrust-info.txt: {Title: The lantern archive, Access: Institution, Storage-Option: Standard}
"""


@pytest.fixture
def lantern(site: Site) -> Site:
    """Two versions; odd names, though none with a percent sign, of which bagit-python makes another name."""
    site.settings = SETTINGS
    site.write("with space/\u00e9\u00e0 \u6587\u66f8.txt", "odd")
    site.write("back\\slash", "odd too")
    site.write("x" * 200 + "/" + "y" * 100, "long")
    site.write("large.bin", bytes(range(256)) * 40_000)
    assert not site.run().exit_status
    (site.source / "pages/a.html").unlink()
    site.write("new.txt", "new in v2")
    assert not site.run().exit_status
    return site


def do(site: Site, name: str, form: str, **options) -> ExportReport:
    """Export to `name` below the site's root."""
    bag, _, version = options.pop("bag", site.name).partition("/v")
    request = ExportRequest(bag, site.root / name, form, version=int(version) if version else None, **options)
    return export(request, Context(site.root / site.home), site.runner)


def unpack(file: Path, folder: Path) -> Path:
    """What an archive holds, by Python's own modules; the one folder in it."""
    if file.suffix == ".tar":
        with tarfile.open(file) as tar:
            tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # not in 3.11.0 to 3.11.3
    else:
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            archive.extractall(folder)
    (top,) = folder.iterdir()
    return top


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def profile(name: str, folder: Path, **changes) -> Path:
    """A standard profile with some members changed (None: removed)."""
    value = json.loads((STANDARDS / f"{name}.json").read_bytes()) | changes
    file = folder / f"{name}-profile.json"
    file.write_text(json.dumps({key: one for key, one in value.items() if one is not None}))
    return file
