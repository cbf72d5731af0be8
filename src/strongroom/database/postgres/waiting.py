"""A connection on which no wait is without an end: psycopg's own, each of whose waits for the server goes through one method."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen

from strongroom.database.postgres.limits import TIMEOUT, Limits

_PARTING: Final = 5.0  # seconds for the answer to a last word, which changes nothing any more


class SilentError(psycopg.OperationalError):
    """The server said nothing for too long. The connection is closed."""


class Connection(psycopg.Connection[Any]):
    """One that ends rather than wait for ever: for a server that greets nobody, or for one answer."""

    limits: Limits = Limits()
    parting: bool = False  # nobody needs the answers any more

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        return super().wait(self._heard(gen), *args, **kwargs)

    def _heard(self, gen: PQGen[RV]) -> Generator[Any, Any, RV]:
        """`gen`, which is told ten times a second that nothing came, as long as something comes in time. Whatever else ends the wait
        closes the connection: of what it would answer next, nobody could tell what was asked."""
        try:
            wanted = next(gen)
            heard = asked = monotonic()
            while True:
                if ready := (yield wanted):
                    heard = asked = monotonic()
                else:
                    asked = self._bear(heard, asked)
                wanted = gen.send(ready)
        except StopIteration as end:
            value: RV = end.value
            return value
        except (SilentError, KeyboardInterrupt, SystemExit):
            self.close()
            raise

    def _bear(self, heard: float, asked: float) -> float:
        """Nothing came since `heard`. When the server was last asked whether it greets anybody. Raises SilentError."""
        now = monotonic()
        if now - heard > (_PARTING if self.parting else self.limits.answer):
            raise SilentError(f"no answer for {now - heard:.0f} s; {TIMEOUT} says how many seconds to wait for one")
        if self.parting or now - asked < self.limits.silence:
            return asked
        self._see_whether_it_greets(heard)
        return monotonic()

    def _see_whether_it_greets(self, heard: float) -> None:
        """Raise SilentError if not. It is one that works for long on an answer if it does, or says why it will not."""
        try:
            psycopg.connect(self.info.dsn, connect_timeout=self.limits.greeting).close()
        except errors.ConnectionTimeout as error:
            raise SilentError(f"no answer for {monotonic() - heard:.0f} s, and none to a second connection") from error
        except psycopg.Error:
            pass
