"""The table of prices in use: ours, or that of whoever pays."""

from __future__ import annotations

import os
import tomllib
from importlib.resources import files
from pathlib import Path

from strongroom.core.errors import UsageError
from strongroom.core.prices import Prices, parse_prices

_OURS = "prices.toml"


def load_prices(home: Path) -> Prices:
    """From the file that STRONGROOM_PRICES names, or prices.toml in `home`, or our own. Raises UsageError."""
    named = os.environ.get("STRONGROOM_PRICES")
    place = Path(named) if named else home / _OURS
    try:
        if named or place.exists():
            text, where = place.read_text(encoding="utf-8"), str(place)
        else:
            text, where = files("strongroom.usecases.thaw").joinpath(_OURS).read_text(encoding="utf-8"), _OURS
        return parse_prices(tomllib.loads(text), where)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{place}: the table of prices cannot be read: {error}") from error
