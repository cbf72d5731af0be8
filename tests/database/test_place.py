"""Where a shared catalogue lies, and that its password is nowhere in that."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import pytest

from strongroom.core.errors import UsageError
from strongroom.database.postgres.place import PASSWORD_FILE, VARIABLE, PostgresPlace, password
from strongroom.usecases.context import Context

HOME = Path("/home/of/nobody")
SECRET = "p@ss:w/rd"


@pytest.mark.parametrize("url", [
    "postgresql://keeper:p%40ss%3Aw%2Frd@db.example:5433/catalogue?sslmode=verify-full&schema=archive",
    "postgres://keeper@db.example:5433/catalogue?password=p%40ss%3Aw%2Frd&sslmode=verify-full&schema=archive",
])
def test_the_password_is_taken_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, url)
    place = Context(HOME).catalogue
    assert str(place) == "postgresql://keeper@db.example:5433/catalogue?sslmode=verify-full&schema=archive"
    assert isinstance(place, PostgresPlace)
    assert place == pickle.loads(pickle.dumps(place))
    assert (place.schema, place.home) == ("archive", HOME)
    for shown in (repr(place), str(place), place.url):
        assert "p%40ss" not in shown
        assert SECRET not in shown
    assert password() == SECRET


@pytest.mark.sqlite_only("says where the file is")
def test_without_the_variable_it_is_a_file_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Context(HOME).catalogue == HOME / "catalogue.sqlite"


def test_a_file_holds_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://keeper@/catalogue")
    assert password() is None
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "word"))
    with pytest.raises(UsageError, match="cannot be read"):
        password()
    (tmp_path / "word").write_text("\n")
    with pytest.raises(UsageError, match="holds no password"):
        password()
    (tmp_path / "word").write_text(f"{SECRET}\n")
    assert password() == SECRET


def test_a_file_that_everybody_can_read_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        word = Path(folder, "word")
        word.write_text(SECRET)
        monkeypatch.setenv(PASSWORD_FILE, str(word))
        word.chmod(0o644)
        assert password() == SECRET  # nobody else enters the folder
        Path(folder).chmod(0o755)
        with pytest.raises(UsageError, match=f"everybody on this machine can read.*chmod 600 {word}"):
            password()
        word.chmod(0o640)
        assert password() == SECRET


@pytest.mark.parametrize("url", [
    "mysql://keeper:sesame@db/catalogue", "/var/lib/sesame", "postgresql://keeper:sesame@[db/catalogue",
    "postgresql://db/c?schema=Robert'); --",
    "postgresql://keeper:sesame@db/c?schema=" + "x" * 41,
])
def test_what_is_no_place_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        PostgresPlace.parse(url, HOME)
    assert VARIABLE in str(refused.value)
    assert "sesame" not in str(refused.value)
