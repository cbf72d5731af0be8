"""A pool of connections before the server, which would lend out sessions that hold locks: it is noticed, and said."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.errors import StrongroomError
from strongroom.database import PostgresPlace
from strongroom.usecases.locks import locked
from tests.fixtures.postgres import READY_SECONDS, PostgresServer, unprivileged

PORT = 6432  # of a socket in the server's folder


@contextmanager
def pooled(server: PostgresServer, mode: str, more: str) -> Iterator[str]:
    """PgBouncer before the server: the URL with which it is reached."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not here")
    settings = server.folder / "pool.ini"
    settings.write_text(
        f"[databases]\npostgres = host={server.folder} user=keeper password={server.password}\n"
        f"[pgbouncer]\nlisten_port = {PORT}\nunix_socket_dir = {server.folder}\nauth_type = any\npool_mode = {mode}\n{more}")
    with (server.folder / "pool.log").open("wb") as log:
        process = subprocess.Popen([program, settings], cwd=server.folder, stdout=log, stderr=log, **unprivileged())
    try:
        end = time.monotonic() + READY_SECONDS
        while not (server.folder / f".s.PGSQL.{PORT}").exists():
            assert process.poll() is None and time.monotonic() < end, (server.folder / "pool.log").read_text()
            time.sleep(0.05)
        yield f"postgresql://keeper@/postgres?host={server.folder}&port={PORT}&schema=pooled"
    finally:
        process.kill()
        process.wait(READY_SECONDS)
        (server.folder / f".s.PGSQL.{PORT}").unlink(missing_ok=True)


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options\n"], ids=["as it comes", "told to let us in"])
def test_a_pool_is_refused_before_a_lock_is_taken(postgres_server: PostgresServer, tmp_path: Path, mode: str, more: str) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    before = postgres_server.ask(held)
    with pooled(postgres_server, mode, more) as url:
        place = PostgresPlace.parse(url, tmp_path)
        with pytest.raises(StrongroomError, match="a pool of connections") as refused:
            Catalogue.open(place)
        assert refused.value.exit_status == 3
        assert "Name the server itself in STRONGROOM_CATALOGUE" in str(refused.value)
        with pytest.raises(StrongroomError, match="a pool of connections"), locked(place, "site.lock"):
            pass
        assert postgres_server.ask(held) == before
    assert postgres_server.ask("SELECT 1 FROM pg_namespace WHERE nspname = 'pooled'") == []
