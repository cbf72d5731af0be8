"""An archive run sweeps what earlier ones left, and nothing that may be in use."""

from __future__ import annotations

import os
import time

from tests.archive.conftest import Site, runner, site

__all__ = ["runner", "site"]


def test_old_temporaries_go_and_young_ones_stay(site: Site) -> None:
    folder = site.store / ".tmp"
    folder.mkdir(exist_ok=True)
    for name, hours in (("old", 25), ("young", 23)):
        (folder / name).write_bytes(b"cut off")
        then = time.time() - hours * 3600
        os.utime(folder / name, (then, then))
    assert site.run().outcome == "sealed"
    assert [path.name for path in folder.iterdir()] == ["young"]
