"""What a virus scanner said of a content, and how a collection manifest names one."""

from __future__ import annotations

import ipaddress
from typing import Final, Literal, NamedTuple

Outcome = Literal["clean", "infected", "too large", "refused"]

CLEAN: Final[Outcome] = "clean"
INFECTED: Final[Outcome] = "infected"
TOO_LARGE: Final[Outcome] = "too large"  # for a limit of the scanner's: not scanned
REFUSED: Final[Outcome] = "refused"  # the scanner said no for another reason: not scanned, and asked again in the next run

COMMANDS: Final = ("clamdscan", "clamscan")


class Scan(NamedTuple):
    """A verdict. `detail`: what was found, or why it was not scanned; "" for a clean content."""

    outcome: Outcome
    detail: str = ""


def check_scanner(text: str) -> str:
    """`text`, if it names a scanner: the socket of clamd, its address on this machine, or a command of COMMANDS.

    The address is of this machine because clamd's protocol neither encrypts what it is sent nor proves who answers. Raises ValueError.
    """
    if text in COMMANDS or (text.startswith("/") and "\0" not in text):
        return text
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if port.isascii() and port.isdigit() and 0 < int(port) < 65536 and _is_loopback(host):
        return text
    raise ValueError(f"the path of clamd's socket, 127.0.0.1:PORT (of this machine), or one of {', '.join(COMMANDS)}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
