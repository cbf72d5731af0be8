"""The curator's token, and the session it opens."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError

#: The environment variable that may hold the token.
VARIABLE: Final = "STRONGROOM_BROWSE_TOKEN"
_SHORTEST: Final = 16  # characters


def read_token(file: Path | None) -> str | None:
    """The token: the first line of `file`, else of the environment; None if there is neither. Raises UsageError."""
    if file is None:
        text = os.environ.get(VARIABLE, "")
        if not text:
            return None
        source = VARIABLE
    else:
        source = str(file)
        try:
            with file.open(encoding="utf-8") as lines:
                if os.fstat(lines.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise UsageError(f"{file}: others can read or change the token; `chmod 600 {file}`")
                text = lines.readline(10_000)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(f"{file}: the token cannot be read: {reason}; put it on the first line of a text file") from error
    token = text.strip()
    if len(token) < _SHORTEST:
        raise UsageError(f"{source}: a token has at least {_SHORTEST} characters; "
                         "`python3 -c 'import secrets; print(secrets.token_urlsafe())'` makes one")
    return token


class Curator:
    """Knows the token's digest only; a session ends with the process."""

    def __init__(self, token: str | None, cookie: str) -> None:
        self._digest = None if token is None else _digest(token)
        self._session = secrets.token_urlsafe(32)
        self.cookie = cookie

    @property
    def exists(self) -> bool:
        """Whether there is a token at all."""
        return self._digest is not None

    def is_token(self, text: str) -> bool:
        """In constant time."""
        return self._digest is not None and hmac.compare_digest(_digest(text), self._digest)

    def is_here(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a request comes from the curator: by the session's cookie, or with `Authorization: Bearer TOKEN`."""
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer" and self.is_token(token.decode("latin-1").strip()):
            return True
        jar = SimpleCookie()
        try:
            jar.load(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return False
        session = jar[self.cookie].value if self.cookie in jar else ""
        return self.exists and hmac.compare_digest(session.encode(), self._session.encode())

    def opening(self) -> str:
        """The Set-Cookie that opens the session."""
        return f"{self.cookie}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def closing(self) -> str:
        return f"{self.cookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
