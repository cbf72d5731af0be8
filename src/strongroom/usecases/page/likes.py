"""Near-copies, as far as contents were ever compared."""

from __future__ import annotations

from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.likeness import Pair, clusters, members
from strongroom.core.digests import Digest
from strongroom.core.plural import plural
from strongroom.usecases.page.figures import Alike, ClusterFigures, Figures
from strongroom.usecases.page.scope import Scope

CLUSTERS: Final = 25
_PAIRS: Final = 6
_PLACES: Final = 12


def near_copies(figures: Figures, catalogue: Catalogue, scope: Scope) -> None:
    """The largest clusters in what may be seen; those with a content of the one collection, if the page is about one."""
    found: list[ClusterFigures] = []
    for number, cluster in enumerate(clusters(catalogue, seen=scope.seen, collection=scope.name, pairs=_PAIRS), 1):
        figures.cluster_count = number
        if number <= CLUSTERS:
            places = tuple(_place(catalogue, one, scope) for one in cluster.contents[:_PLACES])
            pairs = tuple(_alike(catalogue, pair, scope) for pair in cluster.pairs)
            found.append(ClusterFigures(len(cluster.contents), places, pairs, cluster.count))
    figures.clusters = tuple(found)


def _alike(catalogue: Catalogue, pair: Pair, scope: Scope) -> Alike:
    a, b = _place(catalogue, pair.a, scope), _place(catalogue, pair.b, scope)
    return Alike(a, b, pair.kind, pair.jaccard, pair.containment, pair.differs)


def _place(catalogue: Catalogue, content: Digest, scope: Scope) -> str:
    """ "site/v3: data/pages/a.html": where one of the files with the content lies, in a collection that may be seen."""
    there = members(catalogue, content, seen=scope.seen)
    if not there:
        return content.hex
    more = sum(one.files for one in there) - 1
    return f"{there[0].collection}/v{there[0].last}: {there[0].path}" + (f" (and {plural(more, 'copy', 'copies')})" if more else "")
