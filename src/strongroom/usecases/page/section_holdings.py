"""What there is: totals, growth, copies, formats, and the files that stand out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from strongroom.core.formats import FLAGS
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.page.figures import CollectionFigures, Figures, NamedFile
from strongroom.usecases.page.html import Html, count, el, join, name, size, text, when
from strongroom.usecases.page.svg import Row, Series, bars, columns
from strongroom.usecases.page.table import behind, cut, table

_COLLECTIONS: Final = 500  # in the table
_CHARTED: Final = 20  # collections with a chart of their own
_COLUMNS: Final = 36  # of a chart: the last versions or months
_FORMATS: Final = 12  # bars; the table has up to _FORMAT_ROWS
_FORMAT_ROWS: Final = 300
_NEW: Final = (Series("new in that version", "s1"), Series("already there in an earlier version, or twice", "s2"))
_FLAG_WORDS: Final = {
    "encrypted": "encrypted: cannot be read without a key", "empty": "empty", "unidentified": "not identified by any signature",
    "extension-mismatch": "their extension says another format than their content",
}


def totals(figures: Figures) -> Html:
    tiles = [
        ("Collections", count(len(figures.collections)), ""),
        ("Bags", count(figures.bags), "sealed versions"),
        ("Files", count(figures.files), "in the newest bags"),
        ("Size", size(figures.bytes), "of the newest bags"),
        ("Size of all bags", size(figures.given), "as they were given"),
        ("Stores", count(len(figures.stores)), ""),
        ("Errors", count(figures.counts["error"]), f"and {plural(figures.counts['warning'], 'warning')}"),
    ]
    if figures.withheld:
        tiles.append(("Withheld", count(figures.withheld), "contents, at least"))
    parts = [el("dl", *(el("div", el("dt", what), el("dd", value, el("small", note) if note else "")) for what, value, note in tiles),
                class_="tiles")]
    hidden = figures.hidden
    if hidden.collections:
        parts.append(el(
            "p", f"{plural(hidden.collections, 'further collection')} may not be shown ({plural(hidden.bags, 'bag')}; "
            f"{plural(hidden.files, 'file')}, {human_size(hidden.bytes)} in the newest). Nothing else on this page counts them, "
            "except the figures of stores and the number of findings, which are of everything.", class_="aside"))
    if figures.uncounted:
        some = ", ".join(figures.uncounted[:10]) + (", …" if len(figures.uncounted) > 10 else "")
        parts.append(el("p", f"No figure about copies knows {plural(len(figures.uncounted), 'bag')} that could not be read: {some}.",
                        class_="warning"))
    return join(parts)


def growth(figures: Figures) -> Html:
    """A chart over all by month, a table of the collections, and a chart for each of the first of them."""
    if not figures.collections:
        return el("p", "Nothing was archived yet.")
    parts: list[Html] = []
    if figures.name is None:
        if len({version.sealed[:7] for one in figures.collections for version in one.versions}) > 1:
            parts.append(_by_month(figures))
        rows = [
            (name(one.name), name(one.title or ""), count(len(one.versions)), when(one.latest.sealed), count(one.latest.files),
             size(one.latest.bytes), count(one.latest.stores)) for one in figures.collections
        ]
        shown, more = cut(rows, _COLLECTIONS, "collections")
        heads = ("Collection", "Title", "Bags", "Newest sealed", "Files", "Size", "In stores")
        parts += [table("The collections, with figures of their newest bags", heads, shown, numbers={2, 4, 5, 6}), more]
    for number, one in enumerate(figures.collections[:_CHARTED]):
        parts.append(_by_version(f"growth-{number}", one))
    if len(figures.collections) > _CHARTED:
        left = len(figures.collections) - _CHARTED
        parts.append(el("p", f"{plural(left, 'more collection has', 'more collections have')} no chart here: "
                        "strongroom report NAME --html FILE draws it.", class_="aside"))
    return join(parts)


def _by_month(figures: Figures) -> Html:
    months: dict[str, list[int]] = {}
    for one in figures.collections:
        for version in one.versions:
            found = months.setdefault(version.sealed[:7], [0, 0, 0])
            new = min(version.new[1], version.bytes) if version.new else 0
            found[0] += new
            found[1] += version.bytes - new
            found[2] += 1
    rows = [
        Row(month, (new, old), f"{human_size(new + old)}, {human_size(new)} of it new") for month, (new, old, _) in sorted(months.items())
    ]
    chart = columns("growth-all", "Bytes archived by month", rows[-_COLUMNS:], _NEW, "month in which bags were sealed")
    body = [(month, count(bags), size(new + old), size(new)) for month, (new, old, bags) in sorted(months.items())]
    heads = ("Month", "Bags", "Given", "New")
    return behind(chart, "Figures by month", table("Bytes archived by month", heads, body, numbers={1, 2, 3}))


def _by_version(ident: str, one: CollectionFigures) -> Html:
    rows = []
    for version in one.versions[-_COLUMNS:]:
        new = min(version.new[1], version.bytes) if version.new else 0
        rows.append(Row(f"v{version.version}", (new, version.bytes - new), f"{human_size(version.bytes)}, {human_size(new)} of it new"))
    chart = columns(ident, f"Growth of {one.name} by version", rows, _NEW, "version")
    body = [
        (f"v{version.version}", when(version.sealed), count(version.files), size(version.bytes),
         "not counted" if version.new is None else count(version.new[0]), "not counted" if version.new is None else size(version.new[1]),
         count(version.stores)) for version in one.versions
    ]
    heads = ("Version", "Sealed", "Files", "Size", "New contents", "New", "In stores")
    figures = table(f"Versions of {one.name}", heads, body, numbers={2, 3, 4, 5, 6})
    return join((el("h3", name(one.name), *((": ", name(one.title)) if one.title else ())), behind(chart, "Figures by version", figures)))


def copies(figures: Figures) -> Html:
    """Why less is stored than was given."""
    one = figures.sharing
    reasons = [
        ("Stored once", one.distinct, "contents that differ"),
        ("Copies within a bag", one.within, "the same content in several files of one version"),
        ("Unchanged between versions", one.versions, "contents that another version of the collection has, too"),
        ("Shared by collections", one.across, "contents that another collection has, too"),
    ]
    if figures.name is not None:
        reasons.pop()
    rows = [Row(what, (part,), f"{human_size(part)} ({_percent(part, one.given)})") for what, part, _ in reasons]
    chart = bars("copies", "What the bytes given consist of", rows, (Series("bytes", "s1"),), "bytes in all bags")
    reasons.append(("Given", one.given, "the payload of all bags, as it was given"))
    body = [(what, note, size(part), f"{part:,}", _percent(part, one.given)) for what, part, note in reasons]
    heads = ("Part", "What it is", "Size", "Bytes", "Share")
    parts = [
        el("p", "All bags together were given ", size(one.given), f" in {plural(one.files, 'file')}; {plural(one.contents, 'content')} of ",
           size(one.distinct), " differ. Copies are found by SHA-256, and a content is stored once in each store."),
        behind(chart, "Figures", table("Bytes given, by what they consist of", heads, body, numbers={2, 3, 4})),
    ]
    if figures.shared is not None:
        contents, shared = figures.shared
        parts.append(el("p", f"{plural(contents, 'content')} of these, ", size(shared),
                        f", {'is' if contents == 1 else 'are'} found in other collections as well."))
    stored = [
        (name(store.url), size(store.given), size(store.stored.distinct), size(store.stored.again), size(store.stored.saved),
         _signed(store.stored.frames), size(store.stored.stored)) for store in figures.stores
    ]
    heads_of_stores = ("Store", "Given", "Contents that differ", "Stored again", "Saved by zstd", "Packs", "Stored")
    parts.append(table("What each store holds, without tag files", heads_of_stores, stored, numbers=range(1, 7)))
    parts.append(el(
        "p", "Contents lie in a store again where collections do not share. Packs add the frames of tar and an index, and take away what "
        "compression saves: contents that differ, those stored again, and packs together are what is stored. A store may hold contents "
        "that no bag needs any more, until they are swept.", class_="aside"))
    return join(parts)


def formats(figures: Figures) -> Html:
    if not figures.formats:
        return el("p", "No format of these files is recorded.")
    by_type: dict[str, list[int]] = {}
    for one in figures.formats:
        found = by_type.setdefault(one.format.title or "not identified", [0, 0])
        found[0] += one.files
        found[1] += one.bytes
    ranked = sorted(by_type.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    rest = ranked[_FORMATS:]
    if rest:
        ranked[_FORMATS:] = [(plural(len(rest), "other format"), [sum(one[0] for _, one in rest), sum(one[1] for _, one in rest)])]
    rows = [Row(what, (length,), f"{human_size(length)}, {plural(files, 'file')}") for what, (files, length) in ranked]
    chart = bars("formats", "Formats by size", rows, (Series("bytes", "s3"),), "bytes in the newest bags")
    body, more = cut([
        (name(one.format.title or "not identified"), text(one.format.puid or "none"), text(one.format.mime or "unknown"), count(one.files),
         size(one.bytes), text(one.format.flags.replace(" ", ", "))) for one in figures.formats
    ], _FORMAT_ROWS, "formats")
    heads = ("Format", "PRONOM", "MIME type", "Files", "Size", "To look at")
    parts = [behind(chart, "All formats", join((table("Formats of the newest bags", heads, body, numbers={3, 4}), more)))]
    flagged = [(el("span", _FLAG_WORDS[flag], class_="warning"), sum(one.files for one in figures.formats if one.format.has(flag)))
               for flag in FLAGS]
    if any(count for _, count in flagged):
        parts.append(el("h3", "To look at"))
        parts.append(el("ul", *(el("li", f"{plural(count, 'file')}: ", words) for words, count in flagged if count)))
    return join(parts)


def notable(figures: Figures) -> Html:
    def rows(files: Iterable[NamedFile], show: bool) -> list[tuple[object, ...]]:
        return [(name(one.path), name(one.bag), size(one.value) if show else _day(one.value)) for one in files]

    if not figures.largest:
        return el("p", "No files.")
    parts = [table("The largest files of the newest bags", ("File", "Bag", "Size"), rows(figures.largest, True), numbers={2})]
    if figures.oldest:
        parts.append(table("Those last changed longest ago, by the time that their source gave", ("File", "Bag", "Changed"),
                           rows(figures.oldest, False), numbers={2}))
    return join(parts)


def _day(nanoseconds: int) -> str:
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "a time beyond all calendars"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _signed(value: int) -> Html:
    """ "+1.5 KiB", "−2.0 MiB"."""
    return el("data", ("−" if value < 0 else "+") + human_size(abs(value)), value=value)
