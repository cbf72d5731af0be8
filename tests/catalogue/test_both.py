"""A catalogue answers alike in SQLite and in PostgreSQL."""

from __future__ import annotations

import inspect
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.database import PostgresPlace
from tests.catalogue import story


def test_what_it_answers_does_not_depend_on_where_it_lies(tmp_path: Path, postgres_place: PostgresPlace) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = story.told(tmp_path / "catalogue.sqlite", tmp_path / "one")
    two = story.told(postgres_place, tmp_path / "two")
    assert len(one) == len(two)
    for ours, theirs in zip(one, two, strict=True):
        assert theirs == ours


def test_the_story_leaves_nothing_out() -> None:
    text = Path(story.__file__).read_text(encoding="utf-8")
    names = {
        name for module in story.MODULES for name, one in inspect.getmembers(module, inspect.isfunction)
        if one.__module__ == module.__name__ and not name.startswith("_")
    } | {name for name, _ in inspect.getmembers(Catalogue, inspect.isfunction) if not name.startswith("_")}
    assert len(names) > 90
    left_out = {name for name in names if f".{name}(" not in text} - story.ELSEWHERE
    assert left_out <= {"beside", "close"}  # of which the rest is made
