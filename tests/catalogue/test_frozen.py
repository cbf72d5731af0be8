"""A server that stands still while its machine acknowledges what is sent: no wait for it is without an end, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.catalogue import reading
from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.database import PostgresPlace
from strongroom.database.postgres.connection import PostgresDb
from strongroom.database.postgres.trouble import CatalogueError, explained
from strongroom.usecases.locks import locked
from tests.fixtures.postgres import PostgresServer, running_postgres

ROOT = Path(__file__).parents[2]
VARIABLE = "STRONGROOM_CATALOGUE_TIMEOUT"
SECONDS = 300  # until something that waits for ever is told from something slow
Wait = Callable[[], object]
Waits = Iterator[Wait]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own, which is stopped and goes on."""
    with running_postgres() as made:
        yield made


@pytest.fixture
def place(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PostgresPlace:
    """A catalogue whose password is where a second connection does not have it."""
    made = server.place(tmp_path)
    monkeypatch.setenv("STRONGROOM_CATALOGUE", re.sub(r"passfile=[^&]*&", "", server.env(made)["STRONGROOM_CATALOGUE"]))
    Catalogue.open(made).close()
    return PostgresPlace.parse(os.environ["STRONGROOM_CATALOGUE"], tmp_path)


def question(place: PostgresPlace) -> Waits:
    with Catalogue.open(place) as catalogue:
        yield catalogue.stores


def commit(place: PostgresPlace) -> Waits:
    with Catalogue.open(place) as catalogue, catalogue.transaction() as db:
        db.execute("DELETE FROM stores")
        yield lambda: db.execute("COMMIT")


def part_of_an_answer(place: PostgresPlace) -> Waits:
    with Catalogue.open(place) as catalogue:
        contents = [(Digest.of(b"%d" % n).raw, n) for n in range(2500)]
        catalogue.record_object(1, "pack", Digest.of(b""), 9, scope="", contents=contents)
        with reading(catalogue) as db:
            rows = db.execute("SELECT sha256 FROM places")
            assert rows.fetchone()
            yield rows.fetchall


def rows_that_are_sent(place: PostgresPlace) -> Waits:
    with closing(PostgresDb(place)) as db:
        db.execute("CREATE TEMP TABLE many (one TEXT)")

        def send() -> None:
            with explained(place), db.connection.cursor() as cursor, cursor.copy(b"COPY many FROM STDIN") as copy:
                while True:
                    copy.write_row(["x" * 10_000])

        yield send


def new_connection(place: PostgresPlace) -> Waits:
    yield lambda: Catalogue.open(place)


@pytest.mark.parametrize("waits", [question, commit, part_of_an_answer, rows_that_are_sent, new_connection])
def test_a_server_that_greets_nobody_is_given_up(
    server: PostgresServer, place: PostgresPlace, waits: Callable[[PostgresPlace], Waits], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "12")
    asking = waits(place)
    wait = next(asking)
    with ThreadPoolExecutor() as other, server.standing_still():
        error = other.submit(wait).exception(SECONDS)
        other.submit(asking.close).result(SECONDS)  # what is closed then waits for nobody either
    assert isinstance(error, CatalogueError)
    assert error.exit_status == 3
    assert str(place) in str(error)
    assert server.password not in str(error)
    said = "nobody greeted within 3 s" if waits is new_connection else "s, and none to a second connection"
    assert said in str(error)
    assert "run the same command again" in str(error)
    monkeypatch.delenv(VARIABLE)
    with Catalogue.open(place) as catalogue:
        catalogue.see_store("1" * 32, "file:///a")


def test_one_answer_that_does_not_come_is_given_up_though_the_server_greets(
    server: PostgresServer, place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "16")  # it has 4 s to greet
    with closing(PostgresDb(place)) as db:
        backend = db.connection.info.backend_pid
        with ThreadPoolExecutor() as other, server.standing_still(backend):
            error = other.submit(db.execute, "SELECT 1").exception(SECONDS)
    assert isinstance(error, CatalogueError)
    assert f"no answer for 16 s; {VARIABLE} says" in str(error)


def test_who_lets_go_asks_no_further(server: PostgresServer, place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "8")
    asked: list[float] = []
    monkeypatch.setattr("strongroom.database.postgres.waiting.Connection._see_whether_it_greets", lambda _, heard: asked.append(heard))
    with ExitStack() as held:
        held.enter_context(Catalogue.open(place)).stores()
        held.enter_context(locked(place, "site.lock"))
        held.enter_context(reading(held.enter_context(Catalogue.open(place)))).execute("SELECT 1 FROM stores")
        with ThreadPoolExecutor() as other, server.standing_still():
            other.submit(held.close).result(SECONDS)
    assert not asked
    monkeypatch.delenv(VARIABLE)
    with locked(place, "site.lock"):
        pass


def test_a_server_that_works_for_long_is_waited_for(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "12")  # it is asked after 3 s, and has 3 s to greet
    with closing(PostgresDb(place)) as db:
        assert db.execute("SELECT 1 FROM pg_sleep(8)").fetchone() == (1,)


@pytest.mark.parametrize("value", ["soon", "0.5", "inf"])
def test_a_limit_that_is_none_is_wrong_usage(place: PostgresPlace, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(UsageError, match=f"{VARIABLE}='{value}': give a number of seconds, 1 or more"):
        Catalogue.open(place)


@pytest.mark.parametrize("interrupted", [False, True], ids=["left alone", "Ctrl-C"])
def test_a_command_ends_and_the_same_one_goes_on(server: PostgresServer, place: PostgresPlace, tmp_path: Path, interrupted: bool) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a.txt").write_text("a")
    (tmp_path / "site.yaml").write_text(f"collection: site\nsource: {tmp_path / 'source'}\nstores: [{tmp_path / 'store'}]\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", VARIABLE: "24",
           "STRONGROOM_HOME": str(tmp_path / "home"), "STRONGROOM_CATALOGUE": os.environ["STRONGROOM_CATALOGUE"]}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "strongroom", *arguments]
        return subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(*arguments: str) -> str:
        with start(*arguments) as process:
            said = process.communicate()[0]
        assert process.returncode == 0, said
        return said

    run("store", "init", str(tmp_path / "store"))
    with Catalogue.open(place) as catalogue, catalogue.transaction():  # so the command has a question that is not answered
        process = start("archive", "site.yaml")
        try:
            while not server.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.05)
            with server.standing_still():
                if interrupted:
                    process.send_signal(signal.SIGINT)
                said = process.communicate(timeout=SECONDS)[0]
        finally:
            process.kill()
    assert process.returncode == (130 if interrupted else 3), said
    assert interrupted or "none to a second connection" in said
    assert "Traceback" not in said and server.password not in said
    run("archive", "site.yaml")
    assert [bag["bag"] for bag in json.loads(run("list", "--json"))["bags"]] == ["site/v1"]
