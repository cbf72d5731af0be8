"""How it is kept: fixity by age, findings, near-copies, the levels of preservation, and what was done."""

from __future__ import annotations

from typing import Final

from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.page.figures import AGES, Figures, StoreFigures
from strongroom.usecases.page.html import Html, count, el, join, name, size, text, when
from strongroom.usecases.page.levels import AREAS, NAMES, By, Level, reached
from strongroom.usecases.page.svg import Row, Series, bars
from strongroom.usecases.page.table import behind, table

_AGES: Final = (
    *(Series(f"within {days} days" if days < 365 else "within a year", f"a{number}") for number, days in enumerate(AGES, 1)),
    Series("longer ago", "a5"), Series("at a time in the future, which proves nothing", "a6"), Series("never", "a7"),
)
_BY_WORDS: Final = {
    By.EVIDENCE: "evidence", By.ATTESTED: "a person's word", By.BOTH: "evidence and a person's word",
    By.EITHER: "evidence or a person's word",
}


def fixity(figures: Figures) -> Html:
    """A chart for each store: how long ago its bytes were read and compared with their digests."""
    parts = [el("p", "How long ago an audit read the bytes of each store and compared them with their digests. Packs and large contents "
                "count from when they were stored, tag files from the first audit on.")]
    parts += [_store(number, store) for number, store in enumerate(figures.stores)]
    return join(parts) if figures.stores else el("p", "No store is known.")


def _store(number: int, store: StoreFigures) -> Html:
    whole = sum(store.ages)
    rows = [Row("all bytes", store.ages, human_size(whole))]
    chart = bars(f"fixity-{number}", f"Bytes of {store.url} by when they were last read", rows, _AGES, "bytes in the store")
    body = [(one.name, size(part), f"{part:,}", f"{100 * part / whole:.1f} %" if whole else "–")
            for one, part in zip(_AGES, store.ages, strict=True)]
    said = [
        join(("Last seen ", when(store.seen), ", usually away" if store.offline else "")), join(("last audit ", when(store.last_audit))),
        text(plural(store.bags, "bag")), *(text(part) for part in (store.place, store.media) if part),
    ]
    heads = ("Read", "Size", "Bytes", "Share")
    state = (el("span", f"{plural(store.unsound, 'object')} damaged or missing", class_="error") if store.unsound
             else el("span", "nothing known to be damaged", class_="good"))
    return join((
        el("h3", name(store.url)), el("p", join(said, "; "), "; ", state, "."),
        behind(chart, "Figures", table(f"Bytes of {store.url} by when they were last read", heads, body, numbers={1, 2, 3})),
    ))


def findings(figures: Figures) -> Html:
    counts = ", ".join(plural(figures.counts[severity], severity) for severity in ("error", "warning", "note"))
    parts = [el("p", f"As things stand, and by the last run of each job over each collection: {counts}.")]
    if figures.found:
        rows = [
            (el("span", one.severity, class_=one.severity), el("code", one.code), name(one.place), name(one.message),
             join((f"{one.job}, ", when(one.when))) if one.when else "as things stand") for one in figures.found
        ]
        parts.append(table("Findings, the gravest first", ("Severity", "Code", "Where", "What", "Found by"), rows))
    if figures.unlisted > 0:
        parts.append(el("p", f"{plural(figures.unlisted, 'finding')} {'is' if figures.unlisted == 1 else 'are'} not listed: "
                        "there are too many, they are told in the reports of their runs, or they concern what may not be shown.",
                        class_="aside"))
    return join(parts)


def likeness(figures: Figures) -> Html:
    if not figures.cluster_count:
        return el("p", "No near-copies are known. ", el("code", "strongroom similar"), " compares what is there.")
    parts = [el("p", f"{plural(figures.cluster_count, 'group')} of files that are alike, or of which one is contained in another. They are "
                "reported and all of them kept: whether they matter is for a person to say.")]
    for number, cluster in enumerate(figures.clusters, 1):
        places = el("ul", *(el("li", name(place)) for place in cluster.places))
        left = cluster.contents - len(cluster.places)
        rows = [
            (name(pair.a), name(pair.b), f"{pair.jaccard:.2f}", f"{pair.containment:.2f}", text(pair.differs)) for pair in cluster.pairs
        ]
        heads = ("One", "The other", "Alike", "Contained", "The other, as against the one")
        summary = f"Group {number}: {plural(cluster.contents, 'content')}, {plural(cluster.count, 'pair')}"
        parts.append(el(
            "details", el("summary", summary), places,
            el("p", f"… and {left:,} more.", class_="aside") if left > 0 else "",
            table(f"The likest pairs of group {number}", heads, rows, numbers={2, 3}), open="open" if number == 1 else None,
        ))
    left = figures.cluster_count - len(figures.clusters)
    if left > 0:
        parts.append(el("p", f"… and {plural(left, 'smaller group')}.", class_="aside"))
    return join(parts)


def preservation(figures: Figures) -> Html:
    """A table of the areas, and behind it every requirement with what is known of it."""
    parts = [el(
        "p", "By the ", el("a", "Levels of Digital Preservation", href="https://ndsa.org/publications/levels-of-digital-preservation/"),
        " of the National Digital Stewardship Alliance, version 2 (2019). What follows from records is told apart from what a person has "
        "to attest" + (f", here by {figures.attestations}" if figures.attestations else "; nobody has attested anything yet") + ".")]
    rows = []
    for area in AREAS:
        level = reached(figures.levels, area)
        missing = [one for one in figures.levels if one.requirement.area == area and one.requirement.level == level + 1 and not one.met]
        lacks = el("ul", *(el("li", f"{one.requirement.asks}: {one.missing}") for one in missing))
        steps = el("span", "■" * level + "□" * (4 - level), class_="steps", aria_hidden="true")
        words = f"{level}: {NAMES[level]}" if level else "below 1"
        rows.append((area, join((steps, words)), lacks if missing else "nothing: it is the highest"))
    heads = ("Area", "Level reached", "Missing for the next")
    parts.append(el("div", table("Level reached in each area, and what the next one lacks", heads, rows), class_="levels"))
    for area in AREAS:
        mine = [one for one in figures.levels if one.requirement.area == area]
        met = sum(one.met for one in mine)
        parts.append(el("details", el("summary", f"{area}: {met} of {len(mine)} met"), _requirements(area, mine)))
    return join(parts)


def _requirements(area: str, levels: list[Level]) -> Html:
    rows = [
        (one.requirement.asks, str(one.requirement.level), _met(one),
         _BY_WORDS[one.requirement.by], f"{_word(one.evidence.met)}{one.evidence.words}", f"{_word(one.attested.met)}{one.attested.words}",
         el("code", one.requirement.id)) for one in levels
    ]
    heads = ("Asked for", "Level", "Met", "Takes", "What records say", "What was attested", "Name")
    return el("div", table(f"{area}, requirement by requirement", heads, rows), class_="levels")


def _met(level: Level) -> Html:
    return el("span", "met" if level.met else "not met", class_="good" if level.met else "warning")


def _word(met: bool | None) -> str:
    return "" if met is None else "yes: " if met else "no: "


def events(figures: Figures) -> Html:
    """Runs of this installation, and what the logs of the stores tell."""
    parts: list[Html] = []
    if figures.jobs:
        rows = [(job, outcome, count(number)) for (job, outcome), number in sorted(figures.jobs.items())]
        parts.append(table("Runs of this installation, by job and how they ended", ("Job", "Ended", "Runs"), rows, numbers={2}))
        listed = [
            (when(run.started), run.job, name(run.collection or "several or all"), run.outcome, when(run.ended) if run.ended else "–")
            for run in figures.runs
        ]
        parts.append(el("details", el("summary", f"The last {plural(len(listed), 'run')}"),
                        table("The last runs, newest first", ("Began", "Job", "Collection", "Ended", "At"), listed)))
    else:
        parts.append(el("p", "No run is remembered."))
    if figures.log is not None:
        logged = [(kind, outcome, count(number)) for (kind, outcome), number in sorted(figures.log.events.items())]
        caption = f"PREMIS events in the logs of {plural(len(figures.log.read), 'store')}, whoever did them"
        parts.append(table(caption, ("Event", "Outcome", "Events"), logged, numbers={2}))
        unread = (*figures.log.unreachable, *figures.log.unreadable)
        parts += [el("p", "Could not be read: ", name(one), class_="warning") for one in unread]
    return join(parts)
