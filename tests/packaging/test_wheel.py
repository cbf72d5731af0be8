"""The wheel: built, installed elsewhere, and used from another folder. The checkout is what every other test uses."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted(path.relative_to(ROOT / "schemas").as_posix() for path in (ROOT / "schemas").rglob("*.schema.json"))


def run(*command: str | Path, cwd: Path, home: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**kept, "HOME": str(home)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT,
        cwd=folder, home=folder,
    )
    (made,) = folder.glob("strongroom-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of a new environment that has the wheel, and sees the dependencies of this one."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python3*/site-packages")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder, home=folder)
    # A path entry for the dependencies only: .pth files below it, such as that of an editable install, are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"strongroom/schemas/{name}" for name in SCHEMAS} <= names
    assert {"flows/__init__.py", "flows/archive.py", "strongroom/cli/main.py"} <= names
    assert {"strongroom/stores/readme.txt", "strongroom/stores/recover.py"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"strongroom", "flows", next(top for top in tops if top.endswith(".dist-info"))}


def test_console_script_from_another_folder(installed: Path, tmp_path: Path) -> None:
    shown = run(installed.with_name("strongroom"), "--help", cwd=tmp_path, home=tmp_path)
    assert "make the next bag of a collection" in shown
    run(installed.with_name("strongroom"), "archive", "--help", cwd=tmp_path, home=tmp_path)


def test_same_names_and_schemas(installed: Path, tmp_path: Path) -> None:
    code = (
        "import strongroom, flows, flows.engine\n"
        "from strongroom.collections.schemas import load_schema, schemas_folder, schema_names\n"
        "print(strongroom.__file__); print(flows.__file__); print(schemas_folder()); print(load_schema('collection')['$id'])\n"
        "print(len(schema_names()))\n"
    )
    package, flows, schemas, identity, count = run(installed, "-c", code, cwd=tmp_path, home=tmp_path).splitlines()
    root = str(installed.parents[1])
    assert package.startswith(root)
    assert flows.startswith(root)
    assert schemas == str(Path(package).parent / "schemas")
    assert identity.endswith("collection.schema.json")
    assert int(count) == len(SCHEMAS)


def test_workers_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Worker processes find the package where the parent did, and nothing that lies in the working folder."""
    (tmp_path / "strongroom.py").write_text("raise RuntimeError('the wrong one')\n")
    (tmp_path / "pickle.py").write_text("raise RuntimeError('the wrong one')\n")
    code = (
        "from strongroom.runner.local import LocalRunner\nfrom strongroom.core.sizes import human_size\n"
        "with LocalRunner(1, quiet=True) as runner: print(list(runner.map('sizes', human_size, [1536])))\n"
    )
    assert run(installed, "-P", "-c", code, cwd=tmp_path, home=tmp_path) == "['1.5 KiB']\n"


@pytest.mark.slow
def test_flows_import_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "from flows.archive import archive; from flows.restore import restore; print(archive.name, restore.name)"
    assert run(installed, "-c", code, cwd=tmp_path, home=tmp_path) == "archive restore\n"
