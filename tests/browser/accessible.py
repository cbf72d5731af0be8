"""axe-core's verdict on a page, from the copy of axe-core in a wheel: no network."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

# Frames are pages of their own: hand over the frame's page where one must be judged.
_RUN = "() => axe.run(document, {iframes: false, resultTypes: ['violations']})"


def assert_accessible(page: Page, *, allowed: tuple[str, ...] = ()) -> None:
    """Fail if axe-core has findings of impact serious or critical. `allowed`: ids of its rules that are let pass, each for a reason."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(_RUN)["violations"]
    bad = [one for one in found if one["impact"] in ("serious", "critical") and one["id"] not in allowed]
    assert bad == [], "\n".join(_words(one) for one in bad)


def _words(violation: dict) -> str:
    nodes = "\n".join(f"    {' '.join(map(str, node['target']))}: {node.get('failureSummary', '')}" for node in violation["nodes"][:5])
    return f"{violation['impact']}: {violation['id']}: {violation['help']} ({len(violation['nodes'])} places)\n{nodes}"
