"""Where a catalogue in PostgreSQL lies. Opens nothing, and holds no password: it is shown, and handed to workers."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from strongroom.core.errors import UsageError

VARIABLE: Final = "STRONGROOM_CATALOGUE"
PASSWORD_FILE: Final = "STRONGROOM_CATALOGUE_PASSWORD_FILE"  # noqa: S105 -- a name
_SCHEMES: Final = ("postgresql", "postgres")
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_CONTAINED: Final = Path("/run/secrets")
_SECRET: Final = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a database: "postgresql://archive@db.example/catalogue?sslmode=verify-full&schema=strongroom"."""

    url: str  # as libpq takes it, without password
    schema: str
    home: Path  # STRONGROOM_HOME of this machine

    @classmethod
    def parse(cls, url: str, home: Path) -> PostgresPlace:
        """What STRONGROOM_CATALOGUE says, less the password. Raises UsageError, which does not show it either."""
        try:
            parts = urlsplit(url)
            options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise UsageError(f"{VARIABLE} is no URL (write postgresql://USER@HOST/DATABASE; the password may contain %XX)") from None
        if parts.scheme not in _SCHEMES:
            raise UsageError(f"{VARIABLE} must be postgresql://USER@HOST/DATABASE; without it the catalogue is a file of STRONGROOM_HOME")
        schema = dict(options).get("schema", "strongroom")
        if not _SCHEMA.fullmatch(schema):
            raise UsageError(f"{VARIABLE}: a schema is up to 40 of a-z, 0-9 and _, not {schema!r}")
        left = urlencode([(name, value) for name, value in options if name != "schema" and name not in _SECRET], quote_via=quote)
        user, at, host = parts.netloc.rpartition("@")
        shown = f"postgresql://{user.partition(':')[0]}{at}{host}{parts.path}"
        return cls(f"{shown}?{left}" if left else shown, schema, home)

    def __str__(self) -> str:
        return f"{self.url}{'&' if '?' in self.url else '?'}schema={self.schema}"

    def sibling(self, schema: str) -> PostgresPlace:
        """Another schema of the same database."""
        return PostgresPlace(self.url, schema, self.home)


def password() -> str | None:
    """That of STRONGROOM_CATALOGUE, or in the file that STRONGROOM_CATALOGUE_PASSWORD_FILE names; None: libpq looks for it (PGPASSWORD,
    PGPASSFILE, ~/.pgpass). Raises UsageError if the file cannot be read, or everybody on this machine could."""
    if file := os.environ.get(PASSWORD_FILE):
        return _read(Path(file))
    parts = urlsplit(os.environ.get(VARIABLE, ""))
    _, colon, secret = parts.netloc.rpartition("@")[0].partition(":")
    return unquote(secret) if colon else dict(parse_qsl(parts.query)).get("password")


def _read(file: Path) -> str:
    try:
        if os.stat(file).st_mode & 0o006 and not _is_shut_away(file):
            raise UsageError(f"{PASSWORD_FILE}: {file}: everybody on this machine can read or change the password; `chmod 600 {file}`")
        found = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{PASSWORD_FILE}: {file} cannot be read: {error}") from error
    if not found:
        raise UsageError(f"{PASSWORD_FILE}: {file} holds no password: it is empty")
    return found


def _is_shut_away(file: Path) -> bool:
    """In a folder that nobody else can enter, or where container engines put secrets, whose modes nobody can choose."""
    real = file.resolve()
    return real.is_relative_to(_CONTAINED) or any(not folder.stat().st_mode & 0o001 for folder in real.parents)


def from_environment(home: Path) -> PostgresPlace | None:
    """The catalogue that STRONGROOM_CATALOGUE names; None if it names none. Raises UsageError."""
    url = os.environ.get(VARIABLE, "")
    return PostgresPlace.parse(url, home) if url else None
