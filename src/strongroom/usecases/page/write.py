"""The page as one file: its parts put together, and put in place at once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

from strongroom import __version__
from strongroom.core.errors import DestinationError
from strongroom.usecases.page import section_care, section_holdings
from strongroom.usecases.page.figures import Figures
from strongroom.usecases.page.html import Html, el, name, when

_SECTIONS: Final[tuple[tuple[str, str, Callable[[Figures], Html]], ...]] = (
    ("totals", "Totals", section_holdings.totals),
    ("growth", "Growth", section_holdings.growth),
    ("copies", "Copies and what they save", section_holdings.copies),
    ("formats", "Formats", section_holdings.formats),
    ("fixity", "Fixity by age", section_care.fixity),
    ("findings", "Findings", section_care.findings),
    ("likeness", "Near-copies", section_care.likeness),
    ("notable", "Largest and oldest", section_holdings.notable),
    ("levels", "Levels of preservation", section_care.preservation),
    ("events", "What was done", section_care.events),
)
#: No script, no network: what the page says must not be able to do anything, whatever a name in it holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def markup(figures: Figures) -> Iterator[str]:
    """The page, part by part."""
    title = f"{figures.name}: what is kept, and how" if figures.name else "What is kept, and how"
    head = el(
        "head", el("meta", charset="utf-8"), el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY), el("meta", name="referrer", content="no-referrer"),
        el("title", title), el("style", Html(files("strongroom.usecases.page").joinpath("style.css").read_text(encoding="utf-8"))),
    )
    yield f'<!DOCTYPE html>\n<html lang="en">\n{head}\n<body>\n'
    yield el("a", "To the contents", href="#main", class_="skip")
    told = "For the curator: this page tells of collections that are not open to everybody. Do not pass it on."
    yield el(
        "header", el("h1", name(title)),
        el("p", f"As the catalogue of this installation of Strongroom {__version__} knew it on ", when(figures.made),
           ". It does not know what others did since, nor which bytes went bad since they were last read.", class_="aside"),
        el("p", told, class_="restricted") if figures.curator else "",
    )
    items = (el("li", el("a", what, href=f"#{ident}")) for ident, what, _ in _SECTIONS)
    yield el("nav", el("ul", *items), aria_label="Parts of this page")
    yield '\n<main id="main">\n'
    for ident, what, make in _SECTIONS:
        yield el("section", el("h2", what, id=ident), make(figures), aria_labelledby=ident)
        yield "\n"
    yield f"</main>\n{el('footer', el('p', 'Made by strongroom report --html.', class_='aside'))}\n</body>\n</html>\n"


def write(figures: Figures, file: Path) -> int:
    """Put the page at `file`, in place of what may be there; its size in bytes. A reader sees the old page or the new one, whole.

    Raises DestinationError if that cannot be written.
    """
    partial: str | None = None
    try:
        descriptor, partial = tempfile.mkstemp(prefix=".strongroom-report-", dir=file.absolute().parent)
        with os.fdopen(descriptor, "wb") as stream:
            for part in markup(figures):
                stream.write(part.encode("utf-8"))
            size = stream.tell()
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(partial, 0o600 if figures.curator else 0o666 & ~_umask())
        os.replace(partial, file)
        partial = None
    except OSError as error:
        raise DestinationError(f"{file}: the page could not be written: {error.strerror}; name a file in a folder you own") from error
    finally:
        if partial is not None:
            with suppress(OSError):
                os.unlink(partial)
    return size


def _umask() -> int:
    """What new files are denied here. There is no way to ask without setting it, for a moment, to the strictest."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
