"""Formats that are checked here, since what jsonschema would import for them is slow, have the verdicts that jsonschema gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

VALUES = ["http://a/b", "a b", "", "#x", "urn:x:y", "http://[::1]/", "http://ü/", "http://a/%zz", "//h/p", "mailto:a@b",
          "P3Y", "P", "P1", "PT5M", "P1W", "P1.5D", "3", "P-3Y", "p3y", "PT", 5, None]


@pytest.mark.parametrize("module", ["jsonschema", "strongroom.collections.jsonschemas"])
def test_verdicts(module):
    code = ("import json, sys\n"
            f"from {module} import Draft202012Validator as Validator\n"
            "slow = sorted({'rfc3986_validator', 'isoduration', 'arrow', 'rfc3987_syntax'} & sys.modules.keys())\n"
            "values, conforms = json.load(sys.stdin), Validator.FORMAT_CHECKER.conforms\n"
            "print(json.dumps([slow, [[conforms(value, form) for value in values] for form in ('uri', 'uri-reference', 'duration')]]))\n")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, input=json.dumps(VALUES), capture_output=True, text=True, check=True)
    slow, (uri, reference, duration) = json.loads(done.stdout)
    assert ("rfc3986_validator" in slow) == (module == "jsonschema") and (slow == []) == (module != "jsonschema")
    assert [value for value, good in zip(VALUES, uri, strict=True) if good] == [
        "http://a/b", "urn:x:y", "http://[::1]/", "mailto:a@b", 5, None]
    assert [value for value, good in zip(VALUES, reference, strict=True) if not good] == ["a b", "http://ü/", "http://a/%zz"]
    assert [value for value, good in zip(VALUES, duration, strict=True) if good] == ["P3Y", "PT5M", "P1W", "P1.5D", "P-3Y", 5, None]
