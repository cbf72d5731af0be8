"""A catalogue that several share: many writers at once, locks that end with who holds them, a server that goes away."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue, swapping
from strongroom.catalogue.catalogue import reading
from strongroom.catalogue.checks import AuditRow, begin_audit
from strongroom.catalogue.relearn import Condition
from strongroom.catalogue.runs import begin_run, recent_runs
from strongroom.core.digests import Digest
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.events import utc_now
from strongroom.database import PostgresPlace, Where, open_reader
from strongroom.database.postgres.trouble import CatalogueBusyError
from strongroom.usecases.locks import locked
from tests.fixtures.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from strongroom.catalogue import Catalogue, swapping
from strongroom.catalogue.relearn import Condition
from strongroom.catalogue.runs import begin_run
from strongroom.core.digests import Digest
from strongroom.usecases.context import Context
me = int(sys.argv[1])
with Catalogue.open(Context(Path(sys.argv[2])).catalogue) as catalogue:
    store = catalogue.see_store("5" * 32, "file:///shared")
    for turn in range(10):
        contents = [(Digest.of(b"%d" % ((me * 7 + turn * 13 + n) % 60)).raw, 1) for n in range(40)]
        catalogue.record_object(store, "pack", Digest.of(b"%d" % (turn % 3)), 9, scope="", contents=contents)
        begin_run(catalogue, "archive", f"c{me}", "")
"""
HOLDER = """
import sys, time
from pathlib import Path
from strongroom.usecases.context import Context
from strongroom.usecases.locks import locked
with locked(Context(Path(sys.argv[1])).catalogue, "site.lock", "busy"):
    print("held", flush=True)
    time.sleep(600)
"""


def python(script: str, *arguments: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], env={"PYTHONPATH": str(ROOT / "src"), **env}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_many_write_at_once_from_the_first_moment(tmp_path: Path, postgres_server: PostgresServer, postgres_place: PostgresPlace) -> None:
    env = postgres_server.env(postgres_place)
    writers = [python(WRITER, str(number), str(tmp_path / f"machine-{number}"), env=env) for number in range(4)]
    for writer in writers:
        _, said = writer.communicate(timeout=600)
        assert (writer.returncode, said) == (0, "")
    with Catalogue.open(postgres_place) as catalogue:
        assert [row.url for row in catalogue.stores()] == ["file:///shared"]
        assert len(catalogue.known_objects(1)) == 3
        assert len(list(recent_runs(catalogue))) == 40
        expected = {
            (turn % 3, (me * 7 + turn * 13 + n) % 60) for me in range(4) for turn in range(10) for n in range(40)
        }
        with reading(catalogue) as db:
            numbers = {Digest.of(b"%d" % n).raw: n for n in range(60)}
            found = db.execute("SELECT o.digest, p.sha256 FROM places p JOIN objects o ON o.id = p.object").fetchall()
        assert {(numbers[pack], numbers[sha256]) for pack, sha256 in found} == expected
        assert len(found) == len(expected)


def test_a_long_answer_is_of_one_moment_and_comes_in_parts(postgres_place: PostgresPlace) -> None:
    with Catalogue.open(postgres_place) as catalogue:
        contents = [(Digest.of(b"%d" % n).raw, n) for n in range(2500)]
        catalogue.record_object(1, "pack", Digest.of(b""), 9, scope="", contents=contents)
        with reading(catalogue) as db:
            rows = db.execute("SELECT sha256, length FROM places ORDER BY length")
            first = rows.fetchone()
            catalogue.forget_objects(1, [("pack", Digest.of(b""))])
            inner = db.execute("SELECT count(*) FROM places WHERE length >= ?", (0,)).fetchone()  # while the other is being read
            assert [first, *rows] == contents
            assert inner == (2500,)
        with reading(catalogue) as db:
            assert db.execute("SELECT count(*) FROM places").fetchone() == (0,)


def test_a_lock_ends_with_who_held_it(tmp_path: Path, postgres_server: PostgresServer, postgres_place: PostgresPlace) -> None:
    with python(HOLDER, str(tmp_path / "another machine"), env=postgres_server.env(postgres_place)) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StrongroomError, match="busy"), locked(postgres_place, "site.lock", "busy"):
                pass
            with locked(postgres_place, "other.lock", "busy"):
                pass
        finally:
            holder.kill()
    got = threading.Event()

    def wait() -> None:
        with locked(postgres_place, "site.lock"):
            got.set()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    assert got.wait(300)
    waiting.join()
    for _ in range(3):  # let go at once, not when the server notices
        with locked(postgres_place, "site.lock", "busy"):
            pass


def test_who_waits_for_a_writer_says_so(postgres_place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_CATALOGUE_TIMEOUT", "4")  # so the server is asked meanwhile whether it is there
    with Catalogue.open(postgres_place) as one, Catalogue.open(postgres_place) as other:
        with one.transaction(), pytest.raises(CatalogueBusyError, match="in use by another run for more than 2 s; wait for it to end"):
            other.see_store("1" * 32, "file:///a")
        assert other.see_store("1" * 32, "file:///a") == 1


def test_who_waits_to_migrate_says_so(postgres_place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_CATALOGUE_TIMEOUT", "1")
    with Catalogue.open(postgres_place) as one:
        monkeypatch.setattr("strongroom.catalogue.shared.REVISION", "second_00000000")
        with one.transaction(), pytest.raises(CatalogueBusyError, match="in use by another run for more than 0"):
            Catalogue.open(postgres_place)


def test_who_waits_for_a_lock_of_one_that_stands_still_says_so(postgres_place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_CATALOGUE_TIMEOUT", "1")
    elsewhere = replace(postgres_place, home=postgres_place.home / "another machine")
    said = "in use by another run for more than 1 s"
    with locked(elsewhere, "site.lock"), pytest.raises(CatalogueBusyError, match=said), locked(postgres_place, "site.lock"):
        pass
    with locked(postgres_place, "site.lock"):
        pass


@pytest.mark.parametrize(("change", "said"), [
    (("keeper@/postgres", "keeper@/nosuch"), r"let nobody in.*STRONGROOM_CATALOGUE.*password"),
    (("keeper@", "nosuch@"), r"let nobody in.*STRONGROOM_CATALOGUE_PASSWORD_FILE"),
])
def test_who_is_not_let_in_is_told_what_to_correct(
    postgres_server: PostgresServer, postgres_place: PostgresPlace, change: tuple[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    with pytest.raises(StrongroomError, match=said) as refused:
        Catalogue.open(replace(postgres_place, url=postgres_place.url.replace(*change)))
    assert refused.value.exit_status == 3 and "rebuild" not in str(refused.value)


@pytest.mark.parametrize("option", ["sslmode=verify_full", "sslmod=require", "port=abc", "application_name=%zz"])
def test_a_url_that_makes_no_sense_is_wrong_usage(postgres_place: PostgresPlace, option: str) -> None:
    with pytest.raises(UsageError, match="STRONGROOM_CATALOGUE"):
        Catalogue.open(replace(postgres_place, url=f"{postgres_place.url}&{option}"))


def test_a_server_that_is_full_says_what_to_raise(postgres_server: PostgresServer, postgres_place: PostgresPlace) -> None:
    postgres_server.ask("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    postgres_server.ask(f"ALTER ROLE crowd PASSWORD '{postgres_server.password}'")
    try:
        with pytest.raises(StrongroomError, match=r"no connection free.*too many connections.*max_connections"):
            Catalogue.open(replace(postgres_place, url=postgres_place.url.replace("keeper@", "crowd@")))
    finally:
        postgres_server.ask("DROP ROLE crowd")


def test_a_connection_that_is_lost_says_what_became_of_the_run(postgres_server: PostgresServer, postgres_place: PostgresPlace) -> None:
    with Catalogue.open(postgres_place) as catalogue:
        catalogue.see_store("1" * 32, "file:///a")

        def lose() -> None:
            with catalogue.transaction() as db:
                db.execute("UPDATE stores SET url = 'file:///b'")
                postgres_server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'strongroom'")
                begin_run(catalogue, "archive", "", "")

        with pytest.raises(StrongroomError, match="stopped answering") as lost:
            lose()
        assert lost.value.exit_status == 3
        assert "run the same command again" in str(lost.value)
        with pytest.raises(StrongroomError, match="stopped answering"):
            catalogue.stores()
    with Catalogue.open(postgres_place) as catalogue:
        assert [row.url for row in catalogue.stores()] == ["file:///a"]


def test_a_connection_that_was_kept_for_the_next_and_ended_meanwhile_is_not_used(
    postgres_server: PostgresServer, postgres_place: PostgresPlace
) -> None:
    """As for a server of pages, which lives longer than its database's server."""
    ours = "FROM pg_stat_activity WHERE application_name = 'strongroom'"
    with Catalogue.open(postgres_place) as catalogue:
        catalogue.see_store("1" * 32, "file:///a")
        with reading(catalogue) as db:
            assert db.execute("SELECT url FROM stores").fetchall() == [("file:///a",)]
    assert postgres_server.ask(f"SELECT pg_terminate_backend(pid) {ours}")
    while postgres_server.ask(f"SELECT 1 {ours}"):
        time.sleep(0.05)
    with closing(open_reader(postgres_place)) as db:
        assert db.execute("SELECT url FROM stores").fetchall() == [("file:///a",)]


def test_audits_that_begin_at_the_same_moment_have_different_numbers(catalogue_place: Where) -> None:
    Catalogue.open(catalogue_place).close()
    began: list[int] = []

    def begin() -> None:
        with Catalogue.open(catalogue_place) as catalogue:
            began.extend(begin_audit(catalogue, 1, lambda seq: AuditRow(seq, "", seq, utc_now())).seq for _ in range(5))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(began) == list(range(1, 21))


def test_tables_that_are_gone_have_a_way_out(postgres_server: PostgresServer, postgres_place: PostgresPlace) -> None:
    with Catalogue.open(postgres_place) as catalogue:
        postgres_server.ask(f"DROP TABLE {postgres_place.schema}.stores")
        with pytest.raises(StrongroomError, match="strongroom rebuild --store URL"):
            catalogue.stores()


@pytest.mark.parametrize("version", ["another", None])
def test_a_schema_with_other_tables_is_left_alone(
    postgres_server: PostgresServer, postgres_place: PostgresPlace, version: str | None
) -> None:
    if version is None:
        postgres_server.ask(f"CREATE SCHEMA {postgres_place.schema}")
        postgres_server.ask(f"CREATE TABLE {postgres_place.schema}.accounts (name TEXT)")
    else:
        with Catalogue.open(postgres_place) as catalogue:
            catalogue.see_store("1" * 32, "file:///a")
        postgres_server.ask(f"UPDATE {postgres_place.schema}.alembic_version SET version_num = %s", version)
    with pytest.raises(StrongroomError, match="strongroom rebuild --store URL"):
        Catalogue.open(postgres_place)


def test_another_takes_its_place_only_while_nobody_uses_it(postgres_place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swapping, "_WAIT", 0.0)
    with Catalogue.open(postgres_place) as old:
        old.see_store("1" * 32, "file:///old")
        begin_run(old, "archive", "site", "")
        with swapping.fresh(postgres_place) as new:
            with Catalogue.open(new) as made:
                made.see_store("2" * 32, "file:///new")
            with pytest.raises(StrongroomError, match="in use by another run"):
                swapping.put_in_place(new, postgres_place)
        assert [row.url for row in old.stores()] == ["file:///old"]
    assert swapping.condition(new) is Condition.ABSENT
    monkeypatch.setattr(swapping, "_WAIT", 60.0)
    with swapping.fresh(postgres_place) as new:
        with Catalogue.open(new) as made:
            made.see_store("2" * 32, "file:///new")
        aside = swapping.put_in_place(new, postgres_place)
    assert aside is not None
    with Catalogue.open(postgres_place) as now, Catalogue.open(aside) as before:
        assert [row.url for row in now.stores()] == ["file:///new"]
        assert [row.url for row in before.stores()] == ["file:///old"]
        assert [row.collection for row in recent_runs(now)] == ["site"]
        assert begin_run(now, "audit", "", "") == 2  # numbers go on


def test_what_a_killed_rebuild_left_goes_with_the_next_and_one_that_is_being_made_stays(
    postgres_server: PostgresServer, postgres_place: PostgresPlace
) -> None:
    def beside() -> set[str]:
        names = postgres_server.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", f"{postgres_place.schema}_%")
        return {name for (name,) in names}

    left = f"{postgres_place.schema}_new_0badcafe"
    Catalogue.open(postgres_place.sibling(left)).close()
    kept = f"{postgres_place.schema}_20261101120000"
    Catalogue.open(postgres_place.sibling(kept)).close()
    with swapping.fresh(postgres_place) as first:
        Catalogue.open(first).close()
        with swapping.fresh(postgres_place) as second:
            Catalogue.open(second).close()
            assert beside() == {kept, first.schema, second.schema}
        assert beside() == {kept, first.schema}
    assert beside() == {kept}
