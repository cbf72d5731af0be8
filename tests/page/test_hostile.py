"""Names, titles and messages that were made to do harm are text, and visible as what they are."""

from __future__ import annotations

import pytest

from strongroom.usecases.page.html import Html, el, join, name, text
from tests.page.house import HOSTILE, RTL


@pytest.mark.parametrize(("given", "expected"), [
    ("<b>", "&lt;b&gt;"), ('" onload="x', "&quot; onload=&quot;x"), ("a\u202eb", r"a\u202eb"), ("\x00\x1b[2J\n", r"\x00\x1b[2J\n"),
    ("\udcff", r"\udcff"), ("</style><script>", "&lt;/style&gt;&lt;script&gt;"), (RTL, RTL), (Html("<i>"), "<i>"), (None, "None"),
])
def test_text(given, expected):
    assert text(given) == expected


def test_elements():
    assert el("p", "<", el("b", "&"), title='"', class_="x", hidden=None) == '<p title="&quot;" class="x">&lt;<b>&amp;</b></p>'
    assert join(["<", Html("<br/>")], ", ") == "&lt;, <br/>"
    assert name("<") == '<bdi class="name">&lt;</bdi>'


def test_hostile_names_on_the_page(house):
    _, page = house.page()
    shown = HOSTILE.replace("/", "").replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")
    assert not page.tree.xpath("//script") and not page.tree.xpath("//@*[starts-with(name(), 'on')]") and not page.tree.xpath("//b")
    assert shown in page.section("notable") and f"{RTL} <b>bold</b>" in page.section("growth")
    for bad in ("\u202e", "\x1b", "<script"):
        assert bad not in page.text
    assert {one.text_content() for one in page.tree.iter("bdi")} >= {f"data/{shown}.html", f"{RTL} <b>bold</b>"}


def test_it_asks_for_nothing_and_allows_nothing(house):
    _, page = house.page(curator=True)
    tree = page.tree
    assert not tree.xpath("//@src") and not tree.xpath("//link") and "url(" not in page.text and "@import" not in page.text
    policy, = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")
    assert {one for one in tree.xpath("//@href") if not one.startswith("#")} == {"https://ndsa.org/publications/levels-of-digital-preservation/"}
    idents = tree.xpath("//@id")
    assert len(idents) == len(set(idents))
    assert {one.removeprefix("#") for one in tree.xpath("//a/@href") if one.startswith("#")} <= set(idents)
