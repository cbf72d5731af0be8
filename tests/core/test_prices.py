"""Prices said beforehand."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import strongroom
from strongroom.core.errors import UsageError
from strongroom.core.prices import dollars, parse_prices

TABLE = tomllib.loads((Path(strongroom.__file__).parent / "usecases/thaw/prices.toml").read_text())
TB = 1_000_000_000_000


def test_a_terabyte_in_packs() -> None:
    prices = parse_prices(TABLE, "prices.toml")
    objects = TB // (16 << 20)
    bulk = prices.thaw("DEEP_ARCHIVE", "bulk", objects, TB, 7)
    standard = prices.thaw("DEEP_ARCHIVE", "standard", objects, TB, 7)
    assert bulk == pytest.approx(59.604 * 0.025 + 1000 * (0.0025 + 0.023 * 7 / 30))  # 1.49 requests, 2.50 data, 5.37 copies
    assert standard is not None and bulk is not None and standard > 2 * bulk
    assert prices.thaw("DEEP_ARCHIVE", "expedited", 1, 1, 7) is None
    assert prices.thaw("ARCHIVE_ACCESS", "bulk", 1000, TB, 7) == 0  # moves back, and no copy is made
    assert prices.checksums(1_000_000, TB) == pytest.approx(0.25 + 1 + 4)
    assert prices.transfer(TB) == pytest.approx(90)


@pytest.mark.parametrize(("name", "value"), [("as_of", 2025), ("batch_job", "free"), ("checksum_gb", -1), ("transfer_gb", True),
                                             ("GLACIER", {"bulk": {"gb": 1, "hours": 1}})])
def test_a_table_that_is_none(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        parse_prices({**TABLE, name: value}, "mine.toml")


def test_never_too_little() -> None:
    assert [dollars(one) for one in (0.0, 0.0001, 0.01, 99.991, 12345.6)] == ["$0.00", "$0.01", "$0.01", "$100.00", "$12,345.60"]
