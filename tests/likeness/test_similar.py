"""What the search for near-copies finds in archived collections, what it says of it, and what it does not tell."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from strongroom.core.errors import UsageError
from tests.cli.test_archive import valid
from tests.likeness.conftest import Vault, paths, words
from tests.likeness.test_look import scene
from tests.likeness.words import NOTICE, han, page, sentences, thai


def test_versions_and_collections_are_compared_and_strangers_are_not(vault: Vault) -> None:
    for number in range(12):
        vault.write("site", f"{number}.html", page(sentences(number, 20)))
    vault.write("mirror", "copy of 3.html", page(sentences(3, 20), header="Found elsewhere", footer="by somebody"))
    vault.write("mirror", "own.html", page(sentences("own", 20)))
    vault.archive("site")
    vault.write("site", "5.html", page([*sentences(5, 20), *sentences("more", 2)]))
    (vault.source("site") / "7.html").unlink()
    vault.archive("site")
    vault.archive("mirror")
    assert vault.clusters("site", "mirror") == {frozenset({"site/5.html"}), frozenset({"site/3.html", "mirror/copy of 3.html"})}
    report = vault.similar("site")
    assert words(report)[frozenset({"5.html"})][0] == "added 2 paragraphs"
    assert words(report)[frozenset({"3.html", "copy of 3.html"})][0] in ("lost 2 paragraphs", "added 2 paragraphs")
    assert report.looked == 0  # remembered
    assert report.compared == 0
    assert report.exit_status == 0


@pytest.mark.parametrize("times", [1, 2, 3])
def test_files_that_all_start_with_one_notice_cluster_by_what_follows(vault: Vault, times: int) -> None:
    # some have it once and some several times, with and without a line of its own, over texts that are shorter and longer than it
    for number in range(18):
        body = " ".join(sentences(number // 3, 3 + number // 3))  # three of each
        notice = (NOTICE + ("\n" if number % 2 else " ")) * (1 + number % times)
        vault.write("site", f"{number // 3}/{number}.txt", f"{notice}{body} {' '.join(sentences(('end', number), 1))[:20]}\n")
    vault.archive("site")
    assert vault.clusters("site") == {frozenset(f"site/{group}/{group * 3 + one}.txt" for one in range(3)) for group in range(6)}


def test_a_notice_over_short_texts_makes_no_near_copies(vault: Vault) -> None:
    for number in range(12):
        vault.write("site", f"{number}.txt", f"{NOTICE}\n{sentences(number, 1)[0]}")  # the text is a fifth of the file
    vault.archive("site")
    assert vault.clusters("site") == set()


def test_pages_that_share_header_and_footer_alone_are_not_matched(vault: Vault) -> None:
    header, footer = " ".join(sentences("header", 12)), " ".join(sentences("footer", 10))
    for number in range(10):
        vault.write("site", f"{number}.html", page(sentences(number, 6), header=header, footer=footer))
    vault.archive("site")
    assert vault.clusters("site") == set()


def test_forty_pages_that_are_one_article_with_another_header(vault: Vault) -> None:
    for number in range(40):
        vault.write("site", f"{number}.html", page(sentences("article", 25), header=" ".join(sentences(("header", number), 2))))
    vault.archive("site")
    (shown,) = vault.similar("site").clusters
    assert len(shown.cluster.contents) == 40
    assert {pair.differs for pair in shown.cluster.pairs} == {"same body, other header"}
    assert shown.cluster.count == 40 * 39 // 2


def test_a_stub_is_contained_in_the_longer_copy(vault: Vault) -> None:
    stub = sentences("stub", 10)
    vault.write("wiki", "stub.txt", "\n".join(stub))
    vault.write("wiki", "longer.txt", "\n".join([*sentences("before", 25), *stub[:8], *sentences("after", 25)]))
    for number in range(20):
        vault.write("wiki", f"{number}.txt", "\n".join(sentences(number, 30)))
    vault.archive("wiki")
    report = vault.similar("wiki")
    ((pair, (told, jaccard, containment)),) = words(report).items()
    assert pair == {"stub.txt", "longer.txt"}
    assert 0.7 < containment < 0.85
    assert jaccard < 0.2
    assert "contained in the longer one: " in told or told.startswith("contains ")


def test_scripts_without_spaces(vault: Vault) -> None:
    for name, make in (("zh", han), ("th", thai)):
        for number in range(10):
            vault.write("site", f"{name}/{number}.txt", "\n".join(make(number, 30)))
        vault.write("site", f"{name}/again.txt", "\n".join([*make(4, 30), *make("new", 2)]))
    vault.archive("site")
    assert vault.clusters("site") == {
        frozenset({"site/zh/4.txt", "site/zh/again.txt"}), frozenset({"site/th/4.txt", "site/th/again.txt"})}


def test_what_may_not_be_seen_is_compared_and_not_told(vault: Vault) -> None:
    text = sentences("article", 20)
    vault.write("open", "a.txt", "\n".join(text))
    vault.write("closed", "secret name.txt", "\n".join([*text, "One more line, of many words, at its end."]))
    vault.write("closed", "other secret.txt", "\n".join([*text, "Another line, of quite different words, at its end."]))
    vault.archive("open")
    vault.archive("closed", "access: {level: restricted}\n")
    assert len(vault.similar("closed").clusters) == 1
    report = vault.similar("open")
    assert report.clusters == ()
    assert "secret" not in json.dumps(report.to_json())
    assert vault.similar().names == ("open",)
    (shown,) = vault.similar("closed", "open").clusters
    assert paths(shown) == {"open/a.txt", "closed/secret name.txt", "closed/other secret.txt"}
    assert not any("secret" in line or "a.txt" in line for line in vault.similar("closed").summary())


def test_what_was_taken_down_is_forgotten(vault: Vault) -> None:
    from strongroom.core.tombstone import Action
    from strongroom.usecases.withheld.request import WithholdRequest
    from strongroom.usecases.withheld.run import withhold

    vault.write("site", "a.txt", "\n".join(sentences("article", 20)))
    vault.write("site", "b.txt", "\n".join(sentences("article", 21)))
    vault.archive("site")
    assert len(vault.clusters("site")) == 1
    request = WithholdRequest(Action.WITHHOLD, "by its author's wish", "site", 1, ("b.txt",))
    assert withhold(request, vault.context, vault.runner, lambda _: True).plan.contents == 1
    assert vault.clusters("site") == set()


def test_a_name_that_is_not_known(vault: Vault) -> None:
    vault.write("site", "a.txt", "a")
    vault.archive("site")
    with pytest.raises(UsageError, match="nobody"):
        vault.similar("site", "nobody")


def test_the_document_is_as_the_schema_says_and_the_log_has_one_event_a_run(vault: Vault) -> None:
    vault.write("site", "a.txt", "\n".join(sentences("article", 20)))
    vault.write("site", "b.md", "\n".join(sentences("article", 21)))
    vault.archive("site", "compression: zstd\n")
    before = events(vault.root / "store")
    document = vault.similar("site").to_json()
    assert valid(document, "similar-report")
    assert document["clusters"][0]["pairs"][0]["differs"] in ("as Markdown; added 1 line", "as plain text; lost 1 line")
    new = [event for event in events(vault.root / "store") if event not in before]
    assert [event["eventType"] for event in new] == ["metadata extraction"]
    vault.similar("site")
    assert len(events(vault.root / "store")) == len(before) + 1


def events(store: Path) -> list[dict]:
    return [event for file in sorted(store.glob("log/*/*.json")) for event in json.loads(file.read_bytes())["events"]]


def test_a_bag_says_what_was_known_of_it_when_it_was_sealed(vault: Vault) -> None:
    for number in range(3):
        vault.write("site", f"{number}.txt", "\n".join(sentences("article", 20 + number)))
    vault.write("other", "3.txt", "\n".join(sentences("article", 20)[1:]))
    vault.archive("site")
    vault.archive("other")
    assert vault.near("site", 1) is None
    vault.similar("site", "other")
    assert vault.archive("site") == "unchanged"  # what was learned is no new state
    (vault.source("site") / "2.txt").unlink()
    vault.write("site", "new.txt", "\n".join(sentences("article", 19)))  # of which nothing is known yet
    assert vault.archive("site") == "sealed"
    (line,) = vault.near("site", 2)
    names = {hashlib.sha256((vault.source("site") / name).read_bytes()).hexdigest(): name for name in ("0.txt", "1.txt")}
    assert line["a"] < line["b"]
    assert {names[line["a"]], names[line["b"]]} == {"0.txt", "1.txt"}
    assert line["differs"] == ("added 1 line" if names[line["b"]] == "1.txt" else "lost 1 line")
    assert line["kind"] == "text"
    longer = "a" if names[line["a"]] == "1.txt" else "b"
    assert 900 < line["jaccard"] < 1000
    assert line["b_in_a" if longer == "a" else "a_in_b"] == 1000


def test_pictures_in_other_sizes_and_formats(vault: Vault) -> None:
    for number in range(8):
        vault.write("album", f"{number}.png", drawn(scene(number), "PNG"))
    vault.write("album", "small 3.jpg", drawn(scene(3).resize((160, 120)), "JPEG"))
    vault.write("other", "5 again.webp", drawn(scene(5), "WEBP", quality=60))
    vault.archive("album")
    vault.archive("other")
    vault.similar("album")  # and the other one later
    report = vault.similar("album", "other")
    assert {paths(shown) for shown in report.clusters} == {
        frozenset({"album/3.png", "album/small 3.jpg"}), frozenset({"album/5.png", "other/5 again.webp"})}
    told = words(report)[frozenset({"3.png", "small 3.jpg"})][0]
    assert told.startswith(("shows the same at 64 × 64 points, other size (", "shows nearly the same at 64 × 64 points, other size ("))
    assert told.endswith((", other format (PNG and JPEG)", ", other format (JPEG and PNG)"))


def drawn(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
