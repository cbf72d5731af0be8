"""Values that look as if a spreadsheet had changed them."""

from __future__ import annotations

import re
from typing import Final

_DATE_NAME: Final = re.compile(r"date|(^|[^a-z])(captured|created|modified|issued|available|valid|temporal)([^a-z]|$)", re.IGNORECASE)
_MONTH: Final = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_MANGLED_DATES: Final = (
    (re.compile(r"[2-5][0-9]{4}(\.[0-9]+)?\Z"), "a spreadsheet's day number instead of a date; write 2023-01-31"),
    (re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})\Z"),
     "a date whose day and month cannot be told apart; write 2023-01-31"),
    (re.compile(rf"({_MONTH}[- ][0-9]{{2}}|[0-9]{{1,2}}[- ]{_MONTH}([- ][0-9]{{2}})?)\Z", re.IGNORECASE),
     "a date that a spreadsheet shortened; write 2023-01-31"),
)
_MANGLED: Final = (
    (re.compile(r"#(REF!|NAME\?|N/A|VALUE!|DIV/0!|NUM!|NULL!|#+)\Z"), "a spreadsheet's error instead of a value"),
    (re.compile(r"=\S|[+-]?@?[A-Z]{2,}[A-Z0-9.]*\([^)]*\)\Z"), "a formula instead of a value"),
    (re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+\Z"), "a long number that a spreadsheet rounded"),
)


def suspicion(member: str, text: str) -> str | None:
    """What seems to have happened to the value `text` of `member`, or None.

    >>> suspicion("dc.date", "44927")
    "a spreadsheet's day number instead of a date; write 2023-01-31"
    """
    text = text.strip()
    patterns = _MANGLED + _MANGLED_DATES if _DATE_NAME.search(member) else _MANGLED
    return next((words for pattern, words in patterns if pattern.match(text)), None)
