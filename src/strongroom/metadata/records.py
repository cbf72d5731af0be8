"""A record as read from a file, before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.collections.explain import Problem
from strongroom.core.canonical import dumps_line
from strongroom.core.findings import Code
from strongroom.metadata.issues import Issue, Place, column_letters

#: Characters of one record; a longer one is refused, unread.
MAX_RECORD: Final = 1 << 20


@dataclass(slots=True)
class Record:
    """`value` is None if there is nothing to check, and `issues` says why.

    `columns` are the columns of each member, counted from 0, if the record is a row of a table.
    """

    place: Place
    value: dict[str, Any] | None
    issues: list[Issue] = field(default_factory=list)
    columns: Mapping[str, list[int]] | None = None
    path: str | None = None  # payload path of what it describes, once that is known

    def issue(self, code: Code, message: str = "", *, member: str = "", position: int = 0, **parts: str | None) -> None:
        """Add an issue, with the column of the `member` (of its value number `position`) where there are columns."""
        numbers = self.columns.get(member) if self.columns and member else None
        if numbers:
            parts |= {"column": column_letters(numbers[min(position, len(numbers) - 1)]), "heading": member}
        if member:
            parts.setdefault("pointer", Problem((member,), "", "").pointer)
        self.issues.append(Issue(code, self.place, message, path=self.path, **parts))

    @property
    def invalid(self) -> bool:
        return any(issue.code in (Code.RECORD_INVALID, Code.RECORD_PATH) for issue in self.issues)

    def text(self) -> str | None:
        """The record as canonical JSON; None, with an issue, if it holds what cannot be written."""
        try:
            text = dumps_line(self.value)
            text.encode()
        except UnicodeEncodeError:
            self.issue(Code.RECORD_INVALID, expected="Unicode text", found="half a surrogate pair")
        except ValueError:
            self.issue(Code.RECORD_INVALID, expected="numbers that fit 64 bits", found="one that does not (1e999)")
        else:
            if len(text) <= MAX_RECORD:
                return text
            self.issue(Code.RECORD_INVALID, expected=f"a record of at most {MAX_RECORD} characters", found=f"{len(text)}")
        self.value = None
        return None
