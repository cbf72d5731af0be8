"""Whether a collection manifest is as schemas/collection.schema.json wants it. Apart from `load`: jsonschema takes 0.2 s to import."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from strongroom.collections.cron import check_cron, time_zone
from strongroom.collections.explain import Problem, explain
from strongroom.collections.formats import fraction, local_path, service_url, size_bytes, source_place, store_url
from strongroom.collections.globs import translate
from strongroom.collections.jsonschemas import Draft202012Validator, FormatChecker
from strongroom.collections.schemas import load_schema
from strongroom.core.ids import NAMES, check_collection_name
from strongroom.core.scans import check_scanner


def check_document(written: object) -> list[Problem]:
    """What is wrong with a document before its defaults are filled in."""
    return list(explain(_validator().iter_errors(written), load_schema("collection")))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(load_schema("collection"), format_checker=_checker())


def _checker() -> FormatChecker:
    checker = FormatChecker(())
    checker.checkers = dict(Draft202012Validator.FORMAT_CHECKER.checkers)
    here = Path("/")
    checks: dict[str, Callable[[Any], object]] = {
        "strongroom-name": _name,
        "strongroom-source": lambda text: source_place(text, here),
        "strongroom-store": lambda text: store_url(text, here),
        "strongroom-path": lambda text: local_path(text, here),
        "strongroom-service": service_url,
        "strongroom-size": size_bytes,
        "strongroom-fraction": fraction,
        "strongroom-glob": translate,
        "strongroom-cron": check_cron,
        "strongroom-scanner": check_scanner,
        "strongroom-timezone": time_zone,
    }
    for name, check in checks.items():
        checker.checks(name, raises=ValueError)(_accepting(check))
    return checker


def _name(text: str) -> str:
    try:
        return check_collection_name(text)
    except ValueError:
        raise ValueError(NAMES) from None


def _accepting(check: Callable[[Any], object]) -> Callable[[object], bool]:
    """A format check of jsonschema: numbers of formats for text have been refused, or allowed, by `type`."""

    def accepts(value: object) -> bool:
        if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool) and check is fraction):
            check(value)
        return True

    return accepts
