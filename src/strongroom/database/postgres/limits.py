"""How long a server is waited for. Its machine acknowledges what was sent though every process there stands still, so TCP's limits alone
would let a command wait for ever."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from strongroom.core.seconds import seconds

TIMEOUT: Final = "STRONGROOM_CATALOGUE_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds. The shorter ones lie within `answer`, so that the server's own reason is heard before ours is given."""

    answer: float = 1800.0  # without a byte of an answer

    @classmethod
    def from_environment(cls) -> Limits:
        """Raises UsageError."""
        return cls(seconds(TIMEOUT, os.environ.get(TIMEOUT, ""), cls().answer, least=1.0))

    @property
    def silence(self) -> float:
        """After so long without a byte, and again, the server is asked whether it greets anybody."""
        return min(60.0, self.answer / 4)

    @property
    def greeting(self) -> int:
        """For a connection to be made; libpq knows whole seconds, from 2 on."""
        return max(2, round(min(20.0, self.answer / 4)))

    @property
    def others(self) -> float:
        """For another run that writes."""
        return min(120.0, self.answer / 2)
