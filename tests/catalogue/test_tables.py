"""The tables are said once; what makes and migrates a catalogue follows from that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from strongroom.catalogue import Catalogue, migrate, schema
from strongroom.catalogue.tables import METADATA, statements
from strongroom.database import Where

SECOND = '''
from alembic import op
import sqlalchemy
revision, down_revision = "second_00000000", {before!r}
def upgrade():
    op.add_column("bags", sqlalchemy.Column("note", sqlalchemy.Text))
'''


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_statements_are_those_of_the_tables(dialect: str) -> None:
    """`python -m strongroom.catalogue.tables` writes them."""
    assert (schema.MADE / f"{dialect}.sql").read_text(encoding="utf-8") == statements(dialect)


def test_what_is_made_is_what_the_tables_say(catalogue_place: Where) -> None:
    Catalogue.open(catalogue_place).close()
    with migrate.engine(catalogue_place).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)
    assert [one for one in differences if "alembic_version" not in str(one)] == []


def test_the_first_migration_makes_the_same(tmp_path: Path) -> None:
    Catalogue.open(tmp_path / "made" / "catalogue.sqlite").close()
    with migrate.engine(tmp_path / "migrated.sqlite").begin() as connection:
        migrate.upgrade(connection, migrate.scripts())
    made, migrated = (tables(path) for path in (tmp_path / "made" / "catalogue.sqlite", tmp_path / "migrated.sqlite"))
    assert made == migrated
    Catalogue.open(tmp_path / "migrated.sqlite").close()


def test_older_tables_are_migrated_and_keep_what_they_hold(
    catalogue_place: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalogue.open(catalogue_place) as catalogue:
        catalogue.see_store("1" * 32, "file:///a")
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "second.py").write_text(SECOND.format(before=schema.REVISION))
    scripts = migrate.scripts(tmp_path / "versions")
    assert len(list(scripts.walk_revisions())) == 2  # read now, before the first one takes another name
    monkeypatch.setattr(migrate, "scripts", lambda: scripts)
    for module in ("schema", "shared"):
        monkeypatch.setattr(f"strongroom.catalogue.{module}.REVISION", "second_00000000")
    for _ in range(2):
        with Catalogue.open(catalogue_place) as catalogue:
            assert [row.url for row in catalogue.stores()] == ["file:///a"]
            with catalogue.transaction() as db:
                db.execute("UPDATE bags SET note = 'new'")


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        made = db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {" ".join(sql.split()) for (sql,) in made if "alembic" not in sql}
