"""An installation with three collections in two stores: two that are open and share contents, and one that nobody may see."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

from lxml import html as lxml_html

from strongroom.runner.local import LocalRunner
from strongroom.runner.progress import QuietDisplay
from strongroom.stores.describe import init_store
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.page.request import PageRequest
from strongroom.usecases.page.run import PageReport, make_page
from strongroom.usecases.recording import recording
from strongroom.usecases.replicate.after import archive_and_replicate
from tests.fixtures.premises import Premises

OPEN = ("letters", "maps")
SECRET = "confessions"
#: Of a name and a title: markup, a mark that turns the direction of writing, a control, and scripts that are written from the right.
HOSTILE = "<script>alert(1)</script>\u202egpj.exe\x1b[2J & \"q\" 'a'"
RTL = "מכתבים ישנים رسائل"


@dataclass
class House(Premises):
    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    def archive(self, name: str, *, stores: int = 2, more: str = "") -> None:
        manifest = self.describe(name, [self.root / f"store{number}" for number in range(1, stores + 1)], more, "manifests")
        with recording(self.context, "archive", {"collection": name}, print) as run:
            run.report = archive_and_replicate(manifest, self.context, self.runner)
        assert run.report.exit_status == 0, run.report.findings

    def audit(self) -> None:
        with recording(self.context, "audit", {}, print) as run:
            run.report = audit(AuditRequest(), self.context, self.runner)
        assert run.report.exit_status == 0, run.report.findings

    def page(self, **options: object) -> tuple[PageReport, Page]:
        file = self.root / f"{options.get('name', 'all')}-{options.get('curator', False)}.html"
        report = make_page(PageRequest(file, **options), self.context, QuietDisplay())
        return report, Page(file)


@dataclass
class Page:
    """A page as a person or a program reads it."""

    file: Path

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def tree(self):
        return lxml_html.document_fromstring(self.file.read_bytes())

    def table(self, caption: str) -> list[list[str | int]]:
        """The cells of the body of the one table with this caption; of figures the exact value."""
        (table,) = [one for one in self.tree.iter("table") if one.find("caption").text_content() == caption]
        return [[_value(cell) for cell in row] for row in table.find("tbody")]

    def tile(self, label: str) -> int:
        (value,) = [one.find("dd") for one in self.tree.xpath("//dl[@class='tiles']/div") if one.find("dt").text_content() == label]
        return int(value.find("data").get("value"))

    def section(self, ident: str) -> str:
        return " ".join(self.tree.xpath(f"//section[@aria-labelledby='{ident}']")[0].text_content().split())


def _value(cell) -> str | int:
    data = cell.find("data")
    return cell.text_content() if data is None else int(data.get("value"))


def build(root: Path, runner: LocalRunner) -> House:
    chance = random.Random(7)
    house = House(root, runner)
    for number in (1, 2):
        init_store(str(root / f"store{number}"))
    shared = [chance.randbytes(3000 + number) for number in range(4)]
    for name in (*OPEN, SECRET):
        for number in range(6):
            house.write(name, f"{name}-{number}.txt", f"{name} number {number}\n".encode() * (40 + number))
        for number, data in enumerate(shared):
            house.write(name, f"shared/{number}.bin", data)
    house.write("letters", "again/twice.txt", (root / "sources/letters/letters-3.txt").read_bytes())
    house.write("letters", f"{HOSTILE.replace('/', '')}.html", b"<!doctype html><title>x</title><p>y" * 600)
    house.write("letters", f"{RTL}.html", b"<!doctype html><title>z</title><p>z" * 900)
    house.write("maps", "atlas.bin", chance.randbytes((4 << 20) + 77))
    house.write(SECRET, "sins of the mayor.txt", b"nobody may know\n" * 3000)
    os.utime(root / "sources/maps/maps-2.txt", (86400 * 365, 86400 * 365))
    os.utime(root / "sources/maps/maps-3.txt", (0, 0))
    titled = f"title: {RTL} <b>bold</b>\ndescription: Letters\n"
    house.archive("letters", more=titled)
    house.write("letters", "letters-0.txt", b"another letter\n" * 99)
    house.archive("letters", more=titled)
    house.archive("maps", stores=1, more="compression: zstd\n")
    house.archive(SECRET, more="access: {level: closed}\ntitle: The mayor\ndedup: collection\n")
    house.audit()
    return house
