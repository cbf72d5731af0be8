"""What it costs to have objects out of cold storage classes, and to have them read where they lie: by a table, beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from strongroom.core.errors import UsageError
from strongroom.core.warmth import FROZEN, TIERS, Tier

_GB: Final = 1_000_000_000
_MONTH: Final = 30.0  # days


@dataclass(frozen=True, slots=True)
class Retrieval:
    """By one tier out of one class."""

    thousand: float  # dollars for so many objects
    gb: float  # dollars
    hours: float  # within which it is there


@dataclass(frozen=True, slots=True)
class Prices:
    """In US dollars, as of a day, for a region. Raises UsageError when made by `parse_prices` from what is no such table."""

    as_of: str
    region: str
    copy_gb_month: float
    transfer_gb: float
    batch_job: float
    batch_million: float
    checksum_gb: float
    retrievals: Mapping[tuple[str, Tier], Retrieval]

    def thaw(self, storage_class: str, tier: Tier, objects: int, size: int, days: int) -> float | None:
        """Dollars for asking for so many objects and bytes, with copies for so many days; None if the class does not have the tier."""
        retrieval = self.retrievals.get((storage_class, tier))
        if retrieval is None:
            return None
        copies = 0.0 if storage_class.endswith("_ACCESS") else self.copy_gb_month * days / _MONTH
        return objects / 1000 * retrieval.thousand + size / _GB * (retrieval.gb + copies)

    def transfer(self, size: int) -> float:
        """Dollars for sending so many bytes out of the provider's network."""
        return size / _GB * self.transfer_gb

    def checksums(self, objects: int, size: int) -> float:
        """Dollars for one batch job that computes the checksums of so many objects and bytes where they lie."""
        return self.batch_job + objects / 1_000_000 * self.batch_million + size / _GB * self.checksum_gb

    @property
    def basis(self) -> str:
        return f"prices of {self.as_of}, {self.region}"


def parse_prices(table: Mapping[str, Any], where: str) -> Prices:
    """A table as usecases/thaw/prices.toml has it. Raises UsageError, naming the file and what is wrong."""
    plain = {field.name: table.get(field.name) for field in fields(Prices) if field.name != "retrievals"}
    for name, value in plain.items():
        wanted = str if name in ("as_of", "region") else (int, float)
        if not isinstance(value, wanted) or isinstance(value, bool) or (wanted is not str and not 0 <= float(value) < 1e6):
            raise UsageError(f"{where}: {name} must be {'a text' if wanted is str else 'a number of dollars'}, and is {value!r}")
    found: dict[tuple[str, Tier], Retrieval] = {}
    for kind in sorted(FROZEN & table.keys()):
        for tier in TIERS:
            if (row := table[kind].get(tier)) is not None:
                found[kind, tier] = _retrieval(row, f"{where}: [{kind}.{tier}]")
    return Prices(**plain, retrievals=found)  # type: ignore[arg-type]


def _retrieval(row: Any, where: str) -> Retrieval:
    try:
        return Retrieval(*(float(row[name]) for name in ("thousand", "gb", "hours")))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{where} needs the numbers thousand, gb and hours") from error


def dollars(amount: float) -> str:
    """Rounded up to the cent: what is said beforehand is not to be too little.

    >>> dollars(0), dollars(0.001), dollars(1234.5)
    ('$0.00', '$0.01', '$1,234.50')
    """
    cents = -int(-amount * 100 // 1)
    return f"${cents / 100:,.2f}"
