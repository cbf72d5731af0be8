"""The search against comparing every pair with every other, and that it goes on where it stopped."""

from __future__ import annotations

import random
import sqlite3

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.likeness import clusters
from strongroom.likeness.features import METHOD
from tests.fixtures.catalogues import tables
from tests.likeness import brute
from tests.likeness.conftest import Vault
from tests.likeness.test_look import scene
from tests.likeness.test_similar import drawn
from tests.likeness.words import page, sentences, vocabulary


def edited(body: list[str], share: float, chance: random.Random) -> list[str]:
    """`share` of the words are others."""
    words = vocabulary("edits", 200)
    return [" ".join(chance.choice(words) if chance.random() < share else word for word in one.split()) for one in body]


def fill(vault: Vault, pages: int) -> None:
    """Two versions of a tree and a collection of pieces of its pages, edited from not at all to beyond recognition."""
    chance = random.Random(7)
    bodies = [sentences(number, chance.choice((3, 8, 20, 60))) for number in range(pages)]
    for number, body in enumerate(bodies):
        vault.write("docs", f"{number}.html", page(body, header="The documentation, release 1", footer=" ".join(sentences("foot", 2))))
    vault.archive("docs")
    for number, body in enumerate(bodies):
        other = edited(body, chance.uniform(0, 0.06), chance)
        vault.write("docs", f"{number}.html", page(other, header="The documentation, release 2", footer=" ".join(sentences("foot", 2))))
        if number % 2:
            start = chance.randint(0, len(body) // 2)
            piece = edited(body[start : start + max(2, len(body) // 2)], chance.uniform(0, 0.1), chance)
            vault.write("pieces", f"{number}.txt", "\n".join([*sentences(("own", number), 5), *piece]))
    vault.archive("docs")
    vault.archive("pieces")


def found(vault: Vault, jaccard: float, containment: float) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Pairs that are alike, and pairs of which one is contained in the other, as the catalogue answers."""
    alike, within = set(), set()
    with Catalogue.open(vault.context.catalogue) as catalogue:
        for cluster in clusters(catalogue, seen=None, jaccard=0.5, containment=0.5, pairs=1000):
            for pair in cluster.pairs:
                names = frozenset((pair.a.hex, pair.b.hex))
                if pair.jaccard >= jaccard:
                    alike.add(names)
                if pair.containment >= containment:
                    within.add(names)
    return alike, within


def test_it_finds_what_comparing_all_with_all_finds(vault: Vault) -> None:
    fill(vault, 80)
    vault.similar("docs", "pieces")
    alike, within = found(vault, 0.8, 0.6)
    texts = brute.texts(vault.context.home)
    expected = set(brute.pairs(texts, 0.8))
    assert len(expected) > 30
    assert alike <= expected  # each pair was compared in full
    assert len(alike) >= 0.99 * len(expected)
    truly = {frozenset(pair) for pair in brute.contained(texts, 0.6)}
    assert len(truly) > len(expected)
    assert len(within & truly) >= 0.98 * len(truly)


def test_what_is_new_is_compared_with_what_was_there(vault: Vault) -> None:
    for number in range(60):
        vault.write("site", f"{number}.txt", "\n".join(sentences(number, 12)))
    vault.archive("site")
    assert vault.similar("site").looked == 60
    vault.write("site", "7 again.txt", "\n".join([*sentences(7, 12), "A line that is new here."]))
    vault.archive("site")
    report = vault.similar("site")
    assert (report.looked, report.compared) == (1, 1)
    assert len(report.clusters) == 1


def test_a_run_that_was_cut_off_goes_on_and_a_lost_catalogue_costs_no_reading(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    from strongroom.usecases.likeness import compare

    for number in range(20):
        vault.write("site", f"{number}.txt", "\n".join(sentences(number // 2, 12 + number % 2)))
    vault.archive("site")
    with monkeypatch.context() as patch:
        patch.setattr(compare, "compare_texts", stop)
        with pytest.raises(KeyboardInterrupt):
            vault.similar("site")
    report = vault.similar("site")
    assert report.looked == 0
    assert len(report.clusters) == 10
    with tables(vault.context.home) as catalogue:
        for table in ("contents", "members", "bags", "pairs", "boilerplate"):
            catalogue.execute(f"DELETE FROM likeness_{table}")
    report = vault.similar("site")
    assert report.looked == 0
    assert len(report.clusters) == 10
    (vault.context.home / "likeness.sqlite").unlink()
    report = vault.similar("site")
    assert report.looked == 20
    assert len(report.clusters) == 10


def stop(*_: object) -> int:
    raise KeyboardInterrupt


def test_another_way_of_looking_looks_at_all_again(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        vault.write("site", f"{number}.txt", "\n".join(sentences("one", 12 + number)))
    vault.archive("site")
    assert vault.similar("site").looked == 4
    with sqlite3.connect(vault.context.home / "likeness.sqlite") as shelf:
        shelf.execute("UPDATE looked SET method = 'an older one'")
    with tables(vault.context.home) as catalogue:
        assert catalogue.execute("SELECT DISTINCT method FROM likeness_contents").fetchall() == [(METHOD,)]
    assert vault.similar("site").looked == 4


def test_what_was_learned_in_another_way_is_not_compared_until_it_is_looked_at_again(vault: Vault) -> None:
    for name, format_ in (("one", "PNG"), ("two", "BMP")):
        vault.write(name, "picture", drawn(scene(1), format_))
        vault.archive(name)
        vault.similar(name)
    assert len(vault.similar("one", "two").clusters) == 1
    with sqlite3.connect(vault.context.home / "likeness.sqlite") as shelf:
        shelf.execute("UPDATE looked SET method = 'an older one', thumbnail = zeroblob(256)")
    report = vault.similar("one")
    assert (report.looked, report.clusters) == (1, ())
    assert len(vault.similar("two", "one").clusters) == 1


def test_hostile_contents_cost_themselves_alone(vault: Vault) -> None:
    vault.write("site", "a.txt", "\n".join(sentences("one", 12)))
    vault.write("site", "b.txt", "\n".join(sentences("one", 13)))
    vault.write("site", "broken.pdf", b"%PDF-1.4\n" + random.Random(1).randbytes(3000))
    vault.write("site", "broken.png", b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(3000))
    vault.write("site", "deep.html", "<html>" + "<div>" * 200_000 + "text")
    vault.write("site", "open.html", "<html><p " + "a='" * 100_000)
    vault.archive("site")
    report = vault.similar("site")
    assert len(report.clusters) == 1
    assert report.exit_status == 0
    assert {path for path, _ in report.unreadable} >= {"site/data/broken.pdf", "site/data/broken.png"}
    assert report.contents.get("", 0) == 0


def test_damage_is_said_and_the_rest_is_compared(vault: Vault) -> None:
    for number in range(3):
        vault.write("site", f"{number}.txt", "\n".join(sentences("one", 12 + number)))
    vault.write("site", "large.txt", "\n".join(sentences("large", 60_000)))
    vault.archive("site")
    (large,) = (path for path in (vault.root / "store/content").glob("*/*") if "." not in path.name)
    large.chmod(0o644)
    data = bytearray(large.read_bytes())
    data[100] ^= 1
    large.write_bytes(data)
    report = vault.similar("site")
    assert {finding.code.label for finding in report.findings} == {"copy-damaged", "not-compared"}
    assert report.contents[""] == 1
    assert len(report.clusters) == 1
