"""A filled and audited store for each test, copied from one that is made once."""

from __future__ import annotations

import shutil

import pytest

from strongroom.catalogue import Catalogue
from strongroom.usecases.context import Context
from tests.audit.site import Folder, Vault, make_vault
from tests.fixtures.runner import runner

__all__ = ["runner"]


@pytest.fixture(scope="session")
def first_vault(tmp_path_factory, runner):
    return make_vault(tmp_path_factory.mktemp("vault"), runner)


@pytest.fixture
def vault(first_vault, tmp_path, runner):
    """A copy of the filled store and of the state of its machine; the catalogue is told where the store lies now."""
    root = tmp_path / "vault"
    shutil.copytree(first_vault.root, root)
    url = str(root / "store")
    with Catalogue.open(Context(root / "home").catalogue) as catalogue:
        for row in catalogue.stores():
            catalogue.see_store(row.id, url)
    return Vault(root, url, Folder(root / "store"), runner)
