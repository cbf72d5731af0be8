"""The recipe of a store's README.txt, cut out and run exactly as written, with nothing but sh, tar, awk and the coreutils."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "src/strongroom/stores/readme.txt"
COREUTILS = ("base64", "cat", "chmod", "cp", "head", "mkdir", "mv", "rm", "rmdir", "sha256sum", "sort", "split")
SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox sh": ("busybox", "sh"), "sh": ("sh",)}
AWKS = ("mawk", "original-awk", "gawk", "busybox")

Run = subprocess.CompletedProcess[str]
Recover = Callable[..., Run]


def cut(text: str) -> str:
    """What lies between the marks."""
    parts = re.split(r"^-----8<-----.*\n", text, flags=re.MULTILINE)
    assert len(parts) == 3, "README.txt must hold one recipe between two marks"
    return parts[1]


def toolbox(folder: Path, awk: str = "awk", *, all_busybox: bool = False, extra: tuple[str, ...] = ()) -> Path:
    """A folder with links to the tools the recipe may use, and no others."""
    folder.mkdir()
    for tool in ("sh", "tar", "awk", *COREUTILS, *extra):
        name = "busybox" if all_busybox else awk if tool == "awk" else tool
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not on this machine")
        (folder / tool).symlink_to(found)
    return folder


@pytest.fixture
def recover(tmp_path: Path) -> Recover:
    """recover(root, dest, tools=…, shell=…, **variables): run the recipe on the store at `root`."""
    script = tmp_path / "recover.sh"
    script.write_text(cut(README.read_text("ascii")), "ascii")
    default: list[Path] = []

    def run(root: Path, dest: Path, *, tools: Path | None = None, shell: tuple[str, ...] = ("sh",), **variables: str) -> Run:
        if tools is None:
            default[:] = default or [toolbox(tmp_path / "toolbox")]
            tools = default[0]
        program = shutil.which(shell[0])
        assert program is not None
        environment = {"PATH": str(tools), "STORE": str(root), "BAG": "pages/v1", "DEST": str(dest), **variables}
        return subprocess.run(
            [program, *shell[1:], str(script)], env=environment, cwd=tmp_path,
            capture_output=True, text=True, errors="replace", check=False)

    return run


def read_tree(folder: Path) -> dict[bytes, bytes]:
    """Every regular file below `folder`, by its path in bytes."""
    tree: dict[bytes, bytes] = {}
    for parent, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                tree[os.path.relpath(path, os.fsencode(folder))] = file.read()
    return tree
