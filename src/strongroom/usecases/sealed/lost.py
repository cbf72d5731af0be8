"""Whether the catalogue was lost: it knows no bag, and what else lies in STRONGROOM_HOME shows that there were some."""

from __future__ import annotations

from strongroom.core.findings import Code, Finding
from strongroom.usecases.context import Context
from strongroom.usecases.log import written_stores
from strongroom.usecases.sealed.known import Known


def lost_catalogue(context: Context, known: Known) -> Finding | None:
    """The finding. `known` is all that the catalogue knows.

    The signs are the locks of stores' logs, one for each store that this installation wrote events to, as every run does that makes a
    bag; and tag files that are kept at home for stores that take turns.
    """
    if known.rows:
        return None
    written = written_stores(context.home) - {row.id for row in known.stores}
    kept = context.home / "kept" / "bags"
    bags = sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in kept.glob("*/*/seal.json"))
    if not written and not bags:
        return None
    signs = [f"bags in stores were worked on from here (ids {', '.join(sorted(written))})"] if written else []
    signs += [f"tag files are kept of {', '.join(bags[:3])}{', …' if len(bags) > 3 else ''}"] if bags else []
    what = (f"knows no bag, and {' and '.join(signs)}: it was lost or moved away. No bag is lost by that; "
            "`strongroom rebuild --store URL` makes it again, from each store that holds bags")
    return Finding(Code.CATALOGUE_LOST, str(context.catalogue), what)
