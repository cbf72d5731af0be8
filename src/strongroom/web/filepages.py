"""The pages about a file and its content, and contents as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from starlette.requests import Request
from starlette.responses import Response

from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.usecases.room import tree
from strongroom.usecases.room.comparing import MOST_LINES, folded, side_by_side
from strongroom.usecases.room.facts import facts
from strongroom.usecases.room.finding import NotSoundError, OutOfReachError
from strongroom.usecases.room.reading import StillReadingError
from strongroom.usecases.room.text import decode, is_text, lines_of
from strongroom.web.desk import Desk, Reader, label_of, path_of
from strongroom.web.look import Message, NothingThereError, TooLongError, message_of
from strongroom.web.types import preview_of, served_type

_SHOWN_TEXT = 100_000  # characters of a preview


@dataclass(frozen=True, slots=True)
class Side:
    """One of two contents that are compared, at one of its places."""

    digest: Digest
    names: frozenset[str]
    size: int | None
    place: tree.Place
    label: str
    kind: str  # as which it is served
    url: str


class FilePages:
    """Answers requests; runs in threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._room = desk, desk.room

    def file(self, db: tree.Db, reader: Reader, bag: tree.Bag, label: str, names: list[bytes], entry: tree.Entry) -> Response:
        """All that is known of a file; damage is an error page that has all the rest."""
        path = b"/".join(names)
        common = {"bag": bag, "label": label, "names": names, "path": path, "entry": entry, "trail": trail_of(names),
                  "hidden": self._desk.hidden(reader, bag.name), "record": json.loads(entry.record) if entry.record else {}}
        if entry.sha is None:
            return self._desk.page(reader, "link.html", **common)
        digest = Digest.from_bytes(entry.sha)
        others = [one for one in tree.places(db, entry.sha, reader.seen) if (one.bag.id, one.path) != (bag.id, path)]
        labels = {one.bag.id: label_of(one.bag, tree.bags(db, reader.seen, one.bag.name)) for one in others}
        known = facts(self._room, digest, bag, path, tree.holders(db, entry.sha, reader.seen)[0], reader.seen)
        kind = served_type(entry.name, (known.format.mime if known.format else "") or entry.type)
        reason = self._room.withheld(entry.sha)
        text, trouble = self._preview(digest, bag.name, entry, preview_of(kind)) if reason is None else (None, None)
        return self._desk.page(
            reader, "file.html", 200 if trouble is None else trouble.status, **common, digest=digest, preview=preview_of(kind),
            text=None if text is None else text[:_SHOWN_TEXT], cut=text is not None and len(text) > _SHOWN_TEXT, trouble=trouble,
            withheld=reason, facts=known, others=others, labels=labels, url=self._desk.address(reader, bag, path),
            is_open=bag.name in self._room.seen(curator=False))

    def _preview(self, digest: Digest, name: str, entry: tree.Entry, preview: str) -> tuple[str | None, Message | None]:
        """The text of what is previewed as such; what to say if the content cannot be shown."""
        try:
            if preview in ("page", "text"):
                return decode(self._desk.text(digest, frozenset({name}), entry.size)), None
            content = self._room.content(digest, frozenset({name}))
            next(content.chunks(0, min(1, content.size)), None)
        except (NotSoundError, OutOfReachError, StillReadingError, TooLongError) as error:
            return None, message_of(error)
        return None, None

    def download(self, request: Request) -> Response:
        """A file to be kept, under its own name."""
        reader = self._desk.reader(request)
        with self._room.index() as db:
            bag, label = self._desk.bag(db, reader, request)
            path = path_of(request, f"/c/{bag.name}/{label}/d/")
            entry = tree.entry_at(db, bag.root, path.split(b"/")) if path else None
        if entry is None or entry.sha is None:
            raise NothingThereError
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote_from_bytes(entry.name, safe='')}"}
        return self._desk.bytes(request, Digest.from_bytes(entry.sha), frozenset({bag.name}), headers)

    def named(self, request: Request) -> Response:
        """RFC 6920: a content by its name, of open collections alone, whoever asks."""
        text = request.path_params["digest"]
        try:
            digest = Digest.from_ni(text)
        except InvalidValueError:
            raise NothingThereError from None
        if digest.ni != text:
            raise NothingThereError  # one content has one name
        with self._room.index() as db:
            names, _ = tree.holders(db, digest.raw, self._room.seen(curator=False))
        if not names:
            raise NothingThereError
        return self._desk.bytes(request, digest, frozenset(names), {})

    def compare(self, request: Request) -> Response:
        """Two contents side by side."""
        reader = self._desk.reader(request)
        with self._room.index() as db:
            left, right = (self._side(db, reader, request.path_params[name]) for name in ("a", "b"))
        rows, cut = None, False
        if is_text(left.kind) and is_text(right.kind):
            texts = [lines_of(self._desk.text(side.digest, side.names, side.size), side.kind) for side in (left, right)]
            rows, cut = list(folded(side_by_side(*texts))), max(map(len, texts)) > MOST_LINES
        images = {preview_of(left.kind), preview_of(right.kind)} == {"image"}
        if images:
            for side in (left, right):
                self._room.content(side.digest, side.names)
        return self._desk.page(reader, "compare.html", sides=(left, right), rows=rows, images=images, cut=cut, most=MOST_LINES)

    def _side(self, db: tree.Db, reader: Reader, text: str) -> Side:
        try:
            digest = Digest(text)
        except InvalidValueError:
            raise NothingThereError from None
        names, size = tree.holders(db, digest.raw, reader.seen)
        places = tree.places(db, digest.raw, reader.seen, limit=1) if names else []
        if not places:
            raise NothingThereError
        place = places[0]
        entry = tree.entry_at(db, place.bag.root, place.path.split(b"/"))
        assert entry is not None
        label = label_of(place.bag, tree.bags(db, reader.seen, place.bag.name))
        kind = served_type(entry.name, entry.type)
        return Side(digest, frozenset(names), size, place, label, kind, self._desk.address(reader, place.bag, place.path))


def trail_of(names: list[bytes]) -> list[tuple[str, bytes]]:
    """Each folder on the way, by name and path."""
    return [(name.decode("utf-8", "replace"), b"/".join(names[: number + 1])) for number, name in enumerate(names)]
