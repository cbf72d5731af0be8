"""Canonical JSON, to the byte (docs/format.md, section 1)."""

from __future__ import annotations

import pytest

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError


@pytest.mark.parametrize(("value", "written"), [
    ({"b": 1, "a": [], "A": None, "é": {}, "\U00010000": 2, "\uffee": 3}, '{"A":null,"a":[],"b":1,"é":{},"\uffee":3,"\U00010000":2}'),
    ('"\\/\n\r\t\b\f\x00\x1f\x7f\u2028', '"\\"\\\\/\\n\\r\\t\\b\\f\\u0000\\u001f\x7f\u2028"'),
    ([0, -1, 2**63 - 1, -(2**63), 2**70], "[0,-1,9223372036854775807,-9223372036854775808,1180591620717411303424]"),
    ([0.1, 1.0, -0.0, 1e15, 1e16, 123456789012345680.0, 0.0001, 0.00001, 5e-324, 1.5e300],
     "[0.1,1.0,-0.0,1000000000000000.0,1e+16,1.2345678901234568e+17,0.0001,1e-05,5e-324,1.5e+300]"),
    ([True, False], "[true,false]"),
])
def test_what_is_written(value: object, written: str) -> None:
    assert canonical.dumps(value) == written.encode() + b"\n"
    assert canonical.loads(written, what="it") == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical.dumps([value])


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', "[NaN]", "[Infinity]", "\ufeff{}", "[" * 101 + "]" * 101, "{} {}", "[1,]"])
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(InvalidValueError):
        canonical.loads(text.encode(), what="it")


def test_only_one_spelling_has_a_right_sum() -> None:
    data = canonical.summed({"n": 1, "s": "é"})
    canonical.check_sum(canonical.loads(data, what="it"), data, what="it")
    for other in (data.rstrip(b"\n"), data + b"\n", data.replace(b":1,", b": 1,"), data.replace("é".encode(), b"\\u00e9")):
        assert other != data
        with pytest.raises(InvalidValueError):
            canonical.check_sum(canonical.loads(other, what="it"), other, what="it")


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None, 1 << 63])
def test_what_counts_nothing(value: object) -> None:
    assert canonical.check_count((1 << 63) - 1) == (1 << 63) - 1
    with pytest.raises(InvalidValueError):
        canonical.check_count(value)
