"""How contents are served: as the type that their name says where browsers go by that, else as what they were identified as."""

from __future__ import annotations

from typing import Final

#: What a page needs to be shown as it was; a style sheet that was identified as plain text would not be applied.
_BY_EXTENSION: Final = {
    "html": "text/html", "htm": "text/html", "shtml": "text/html", "xhtml": "application/xhtml+xml", "php": "text/html", "asp": "text/html",
    "aspx": "text/html", "jsp": "text/html", "cgi": "text/html", "css": "text/css", "js": "text/javascript", "mjs": "text/javascript",
    "json": "application/json", "xml": "application/xml", "rss": "application/xml", "atom": "application/xml", "svg": "image/svg+xml",
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif",
    "bmp": "image/bmp", "ico": "image/x-icon", "pdf": "application/pdf", "txt": "text/plain", "md": "text/plain", "csv": "text/plain",
    "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "mp3": "audio/mpeg", "ogg": "audio/ogg",
    "oga": "audio/ogg", "wav": "audio/wav", "flac": "audio/flac", "m4a": "audio/mp4", "mp4": "video/mp4", "m4v": "video/mp4",
    "webm": "video/webm", "ogv": "video/ogg",
}
#: Kinds of text that are nothing but text to who identifies them. Not pages: a program that makes some may have the same name.
_TEXTS: Final = frozenset({"css", "js", "mjs", "svg"})
_IMAGES: Final = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/x-icon", "image/svg+xml",
})
_DOWNLOAD: Final = "application/octet-stream"
#: Identified as these by everybody, whatever they are.
_VAGUE: Final = frozenset({"", "text/plain", _DOWNLOAD, "application/x-empty", "inode/x-empty"})


def served_type(name: bytes, identified: str | None) -> str:
    """The Content-Type for a file of this name, identified as that.

    >>> served_type(b"site.css", "text/plain"), served_type(b"index.php?id=3", "text/html"), served_type(b"README", "text/x-python")
    ('text/css', 'text/html', 'text/plain')
    """
    kind = (identified or "").partition(";")[0].strip().lower()
    extension = name.partition(b"?")[0].rpartition(b".")[2].decode("ascii", "replace").lower()
    by_name = _BY_EXTENSION.get(extension, "")
    if by_name == kind or (by_name and kind in _VAGUE):
        return by_name
    major = by_name.partition("/")[0]
    if major in ("application", "audio", "video", "font") or (extension in _TEXTS and kind.startswith("text/")):
        return by_name
    if kind in _BY_EXTENSION.values():
        return kind
    return "text/plain" if kind.startswith("text/") else _DOWNLOAD


def preview_of(kind: str) -> str:
    """How a content that is served as this type is previewed: "image", "pdf", "audio", "video", "page", "text" or ""."""
    if kind in _IMAGES:
        return "image"
    if kind == "application/pdf":
        return "pdf"
    if kind in ("text/html", "application/xhtml+xml"):
        return "page"
    major = kind.partition("/")[0]
    if major in ("audio", "video"):
        return major
    return "text" if major == "text" or kind in ("application/json", "application/xml") else ""
