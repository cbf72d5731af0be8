"""The architecture, held by import-linter, and what each command may cost to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_contracts() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert ", 0 broken" in run.stdout


def test_no_module_of_the_library_imports_prefect() -> None:
    """A worker may import any module of strongroom; none may cost it Prefect."""
    files = sorted((ROOT / "src" / "strongroom").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__") for file in files]
    names.remove("strongroom.__main__")
    assert len(names) > 30
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
    assert not {name for name in loaded if name.partition(".")[0] in ("prefect", "flows", "pytest")}


@pytest.mark.parametrize("module", ["flows.engine", "strongroom.cli.main", "strongroom.cli.common", "strongroom.runner.local"])
def test_the_frame_is_light(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert not {"prefect", "boto3", "rich", "jsonschema", "magic", "pydantic"} & loaded
