"""The pages of the room on the way to a file: collections, versions, folders, search, the curator's door."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from strongroom.usecases.room import tree, words
from strongroom.web.desk import Desk, Reader, folder_url, label_of, offset_of, path_of
from strongroom.web.filepages import FilePages, trail_of
from strongroom.web.look import NothingThereError

PER_PAGE: Final = 500  # entries of a folder
HITS: Final = 50
_INDEXES: Final = (b"index.html", b"index.htm")
_ABOUT: Final = ("title", "description", "agents", "identifiers", "languages", "rights", "arrangement", "accession", "retention")


class Pages:
    """Answers requests; runs in threads."""

    def __init__(self, desk: Desk, file_pages: FilePages) -> None:
        self._desk, self._file_pages, self._room = desk, file_pages, desk.room

    def collections(self, request: Request) -> Response:
        reader = self._desk.reader(request)
        with self._room.index() as db:
            newest = [(bag, count, tree.about(db, bag)) for bag, count in tree.newest_bags(db, reader.seen)]
        rows = [{"bag": bag, "versions": count, "about": about, "hidden": self._desk.hidden(reader, bag.name)}
                for bag, count, about in newest]
        others = sorted(reader.seen - {bag.name for bag, _, _ in newest})
        unread = [(name, why) for name in others for _, why in self._room.unread(name)[:1]]
        return self._desk.page(reader, "collections.html", rows=rows, unread=unread, silent=self._room.shelves.silent(reader.seen))

    def collection(self, request: Request) -> Response:
        reader, name = self._desk.reader(request), request.path_params["name"]
        self._desk.check(reader, name)
        with self._room.index() as db:
            bags = tree.bags(db, reader.seen, name)
            about = tree.about(db, bags[-1]) if bags else {}
        unread = self._room.unread(name)
        if not bags and not unread:
            raise NothingThereError
        return self._desk.page(
            reader, "collection.html", name=name, bags=[(bag, label_of(bag, bags)) for bag in reversed(bags)], unread=unread,
            about=_chosen(about), hidden=self._desk.hidden(reader, name))

    def bag(self, request: Request) -> Response:
        """A version, or what lies at a path of it."""
        reader = self._desk.reader(request)
        with self._room.index() as db:
            bag, label = self._desk.bag(db, reader, request)
            path = path_of(request, f"/c/{bag.name}/{label}/f/")
            if path is None:
                return self._folder(db, reader, bag, label, [], request)
            names = path.removesuffix(b"/").split(b"/")
            entry = tree.entry_at(db, bag.root, names)
            if entry is None or (entry.child is None and path.endswith(b"/")):
                raise NothingThereError
            if entry.child is None:
                return self._file_pages.file(db, reader, bag, label, names, entry)
            if not path.endswith(b"/"):
                return RedirectResponse(folder_url(bag, label, path), 302)
            return self._folder(db, reader, bag, label, names, request)

    def _folder(self, db: tree.Db, reader: Reader, bag: tree.Bag, label: str, names: list[bytes], request: Request) -> Response:
        entry = tree.entry_at(db, bag.root, names) if names else None
        folder = bag.root if entry is None else entry.child
        assert folder is not None
        offset = offset_of(request)
        index = next((name for name in _INDEXES if (one := tree.entry_at(db, folder, [name])) is not None and one.sha is not None), None)
        path = b"".join(name + b"/" for name in names)
        about = tree.about(db, bag)
        return self._desk.page(
            reader, "folder.html", bag=bag, label=label, names=names, path=path, offset=offset, step=PER_PAGE,
            rows=tree.entries(db, folder, offset=offset, limit=PER_PAGE), total=tree.count_entries(db, folder),
            said=about, about=_chosen(about),
            site=None if index is None else self._desk.address(reader, bag, path + index), trail=trail_of(names),
            hidden=self._desk.hidden(reader, bag.name))

    def search(self, request: Request) -> Response:
        reader = self._desk.reader(request)
        query, within, offset = request.query_params.get("q", ""), request.query_params.get("in", ""), offset_of(request)
        seen = reader.seen & {within} if within else reader.seen
        with self._room.index() as db:
            found = words.search(db, query, seen, offset=offset, limit=HITS)
            labels = {hit.seal: label_of(bag, tree.bags(db, seen, hit.name))
                      for hit in {hit.seal: hit for hit in found.hits}.values() if (bag := tree.find_bag(db, hit.digest)) is not None}
        return self._desk.page(
            reader, "search.html", query=query[: words.MAX_QUERY], within=within, found=found, labels=labels, offset=offset, step=HITS,
            counted=words.COUNTED)

    # -- the curator

    def curator(self, request: Request) -> Response:
        return self._desk.page(self._desk.reader(request), "curator.html", exists=self._desk.curator.exists, wrong=False)

    def enter(self, request: Request, body: bytes) -> Response:
        """The token, given in a form; or the session's end."""
        form = parse_qs(body.decode("latin-1"), max_num_fields=10)
        curator = self._desk.curator
        if "leave" in form:
            return RedirectResponse("/", 303, {"set-cookie": curator.closing()})
        if curator.is_token(form.get("token", [""])[0]):
            return RedirectResponse("/", 303, {"set-cookie": curator.opening()})
        return self._desk.page(self._desk.reader(request), "curator.html", 403, exists=curator.exists, wrong=True)


def _chosen(about: dict[str, Any]) -> dict[str, Any]:
    return {name: about[name] for name in _ABOUT if about.get(name)}
