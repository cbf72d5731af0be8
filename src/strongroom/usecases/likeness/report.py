"""What a search for near-copies answers. Its summary has numbers alone: it is kept and told where not everybody may see every name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.catalogue.likeness import Cluster, Member
from strongroom.core.digests import Digest
from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural


@dataclass(frozen=True, slots=True)
class Shown:
    """A cluster, and where each of its contents is found, of what may be seen."""

    cluster: Cluster
    members: dict[Digest, tuple[Member, ...]]


@dataclass(frozen=True, slots=True)
class SimilarReport:
    names: tuple[str, ...]  # the collections that were asked about
    threshold: float
    contained: float
    contents: dict[str, int]  # that they hold: "text", "image", "none" (nothing to compare), "" (not looked at)
    looked: int  # contents that were looked at in this run
    compared: int  # pairs that were compared in full in this run
    unreadable: tuple[tuple[str, str], ...]  # (path, why) of contents that could not be compared, the first of them
    clusters: tuple[Shown, ...]  # the largest first
    more: int  # clusters that are not among them
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    @property
    def near(self) -> int:
        """Contents in the clusters that are shown."""
        return sum(len(shown.cluster.contents) for shown in self.clusters)

    def summary(self) -> list[str]:
        """The lines a person reads; no name, no path."""
        found = self.contents
        neither = plural(found.get("none", 0), "is", "are")
        return [
            f"{plural(found.get('text', 0), 'text')} and {plural(found.get('image', 0), 'picture')}; {neither} neither",
            *([f"{plural(found[''], 'content')} could not be read and were not compared"] if found.get("") else []),
            f"{plural(len(self.clusters) + self.more, 'cluster')} of near-copies",
            f"looked at {plural(self.looked, 'content')} in this run, compared {plural(self.compared, 'pair')} in full",
        ]

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/similar-report.schema.json."""
        return {
            "format": "strongroom-similar-report/1", "collections": list(self.names), "threshold": self.threshold,
            "contained": self.contained,
            "contents": {"text": self.contents.get("text", 0), "image": self.contents.get("image", 0),
                         "neither": self.contents.get("none", 0), "unread": self.contents.get("", 0)},
            "looked": self.looked, "compared": self.compared,
            "unreadable": [{"path": path, "why": why} for path, why in self.unreadable],
            "clusters": [_cluster(shown) for shown in self.clusters], "more": self.more,
            "findings": [finding.to_json() for finding in self.findings],
        }


def _cluster(shown: Shown) -> dict[str, Any]:
    return {
        "contents": [
            {"sha256": content.hex, "members": [
                {"collection": one.collection, "path": one.path, "files": one.files, "first": one.first, "last": one.last}
                for one in shown.members[content]]}
            for content in shown.cluster.contents
        ],
        "pairs": [
            {"a": pair.a.hex, "b": pair.b.hex, "kind": pair.kind, "jaccard": round(pair.jaccard, 4), "a_in_b": round(pair.a_in_b, 4),
             "b_in_a": round(pair.b_in_a, 4), "differs": pair.differs, "turned": pair.turned}
            for pair in shown.cluster.pairs
        ],
        "pair_count": shown.cluster.count,
    }
