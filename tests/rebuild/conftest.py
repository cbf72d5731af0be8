"""A site with two bags and an audit, and what its commands say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.usecases.audit.report import AuditReport
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.listing import list_bags
from strongroom.usecases.rebuild.report import RebuildReport
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.show import show
from strongroom.usecases.status import status
from tests.archive.conftest import Site, runner, site  # noqa: F401 -- fixtures
from tests.fixtures.catalogues import lose as forget


def context(site: Site) -> Context:  # noqa: F811
    return Context(site.root / site.home)


def make_again(site: Site, *stores: str, **options: bool) -> RebuildReport:  # noqa: F811
    report = rebuild(RebuildRequest(stores or (str(site.store),), **options), context(site), site.runner)
    Draft202012Validator(load_schema("rebuild-report")).validate(report.to_json())
    return report


def look(site: Site) -> AuditReport:  # noqa: F811
    return audit(AuditRequest(), context(site), site.runner)


def lose(site: Site) -> None:  # noqa: F811
    forget(context(site).home)


def said(site: Site) -> dict[str, Any]:  # noqa: F811
    """What list, show and status say as JSON, less the times that docs/operations.md says only the catalogue knew."""
    at = context(site)
    documents = {
        "list": list_bags(at).to_json(), "status": status(at).to_json(),
        **{f"show {row.bag}": show(*_parts(row.bag), at).to_json() for row in list_bags(at).bags},
    }
    return json.loads(re.sub(r'"(seen|last_archive|oldest|at)": "[^"]*"', r'"\1": "some time"', json.dumps(documents)))


def _parts(bag: str) -> tuple[str, int]:
    name, _, version = bag.partition("/v")
    return name, int(version)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def kept(site: Site) -> Site:  # noqa: F811
    """Two bags, a large content, an audit."""
    site.write("large.bin", bytes(5 << 20))
    assert site.run().bag == "site/v1"
    site.write("pages/new.html", "<!doctype html><title>New</title>")
    assert site.run().bag == "site/v2"
    assert look(site).exit_status == 0
    return site


@pytest.fixture(autouse=True)
def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collection manifests are at hand, as at whoever rebuilds."""
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path))
