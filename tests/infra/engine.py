"""Podman, with nothing of it left on this machine: its images, networks, rules of the firewall and processes live in a folder and in
namespaces of their own, and end with the process that asked for them.

No registry of images is asked. A Debian with Python, made here, takes the place of Python's image; PostgreSQL and SeaweedFS are this
machine's own, seen from otherwise empty images. So of those two images is tested what the compose file demands of any.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.fixtures.postgres import postgres_tools

#: Programs, and the package of Debian that each comes with.
_PROGRAMS: Final = {"podman": "podman", "crun": "crun", "netavark": "netavark", "aardvark-dns": "aardvark-dns", "catatonit": "catatonit",
                    "iptables": "iptables", "mmdebstrap": "mmdebstrap", "unshare": "util-linux", "ip": "iproute2", "wget": "wget"}
_NAMESPACES: Final = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--mount-proc", "--kill-child"]
#: Settings of pip that say where packages come from, and nothing of how they are installed.
_PIP: Final = {"index-url", "extra-index-url", "find-links", "no-index", "cert", "trusted-host", "proxy", "timeout"}
_PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"

#: What PostgreSQL's image does at its first start, by a person who is not root.
_POSTGRES: Final = """#!/bin/sh
set -eu
export PGDATA=/var/lib/postgresql/data
chmod 0700 "$PGDATA" || true
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  export PGPASSWORD
  pg_ctl -w -o "-c listen_addresses='' -c unix_socket_directories=/run/postgresql" start
  createdb --host=/run/postgresql --username="$POSTGRES_USER" --maintenance-db=postgres "$POSTGRES_DB"
  pg_ctl -m fast -w stop
  unset PGPASSWORD
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
"""


def missing() -> list[str]:
    """What this machine lacks, in words; empty: all is there."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return ["root, on Linux"]
    search = f"{os.environ.get('PATH', '')}:{_PATH}:/usr/lib/podman"
    lacks = [f"{name} (Debian: {package})" for name, package in _PROGRAMS.items() if shutil.which(name, path=search) is None]
    if postgres_tools() is None:
        lacks.append("PostgreSQL (Debian: postgresql)")
    if not lacks and subprocess.run([*_NAMESPACES, "--net", "true"], capture_output=True, check=False).returncode:
        lacks.append("the right to make namespaces")
    return lacks


def alone(arguments: list[str], *, network: bool) -> list[str]:
    """A command that sees this machine's files, but has mounts and processes of its own, and none of its network unless it asks for it."""
    return [*_NAMESPACES, *([] if network else ["--net"]), *arguments]


def settle(folder: Path) -> None:
    """What a process of `alone` does first, so that all that Podman keeps lies below `folder`.

    By mounts: of another place in its settings Podman does not tell the process that cleans up after a container.
    """
    for place in (folder / "containers", Path("/var/lib/containers")):
        place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", folder / "containers", "/var/lib/containers"], check=True)
    # crun refuses control groups of both versions side by side; a network that is new lies idle.
    if Path("/sys/fs/cgroup/unified").is_mount():
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if not Path("/etc/resolv.conf").resolve().is_relative_to("/run"):  # crun, netavark and aardvark-dns keep their states there
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)


class Engine:
    """Podman with all that it keeps below `folder`. To be used by processes of `alone`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "podman.sock"
        folder.mkdir(exist_ok=True)
        # Podman raises these limits as far as the kernel goes, which not every root may do.
        files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1 << 20)
        (folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]\n'
            '[engine]\nruntime = "crun"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nlock_type = "file"\n'
            'compat_api_enforce_docker_hub = false\n'
            f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{folder}/networks"\n')
        self.environment = {
            **os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_PATH}", "CONTAINERS_CONF": str(folder / "containers.conf"),
            "DOCKER_HOST": f"unix://{self.socket}", "TMPDIR": str(folder)}

    def __call__(self, *arguments: str | Path) -> str:
        """What a command of Podman prints. Raises RuntimeError with what it complains of."""
        return self.run("podman", *arguments)

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    # -- images

    def make_python(self, name: str) -> None:
        """Debian with Python, and what the image of Python has beside it."""
        rootfs = self.folder / "python.tar"
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "locale")]
        links = [f"--customize-hook=ln -s /usr/bin/python3 \"$1/usr/local/bin/{link}\"" for link in ("python", "python3")]
        self.run("mmdebstrap", "--variant=minbase", "--include=ca-certificates,netbase,tzdata,python3,python3-venv", *left_out, *links,
                 "bookworm", rootfs)
        self("import", "--quiet", "--change", f"ENV PATH={_PATH}", "--change", "ENV LANG=C.UTF-8", "--change", "CMD python3", rootfs, name)
        rootfs.unlink()

    def make_postgres(self, name: str) -> None:
        places = {"run/postgresql": (0o3777, 999), "var/lib/postgresql/data": (0o1777, 999)}
        self._make_empty(name, {"postgres": 999}, places, f"{postgres_tools()}:{_PATH}", _POSTGRES.encode())

    def make_seaweedfs(self, name: str) -> None:
        self._make_empty(name, {"seaweed": 1000}, {"data": (0o755, 1000)}, f"/opt/bin:{_PATH}")

    def _make_empty(self, name: str, users: dict[str, int], folders: dict[str, tuple[int, int]], path: str,
                    entry: bytes | None = None) -> None:
        """An image without programs: `borrowed` are mounted from this machine."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            def add(place: str, mode: int, owner: int = 0, content: bytes | None = None) -> None:
                info = tarfile.TarInfo(place)
                info.mode, info.uid, info.gid, info.type = mode, owner, owner, tarfile.DIRTYPE if content is None else tarfile.REGTYPE
                info.size = len(content or b"")
                tar.addfile(info, io.BytesIO(content or b""))

            for top in ("bin", "sbin", "lib", "lib64"):
                if (here := Path("/", top)).is_symlink():
                    info = tarfile.TarInfo(top)
                    info.type, info.linkname = tarfile.SYMTYPE, os.readlink(here)
                    tar.addfile(info)
            for place, (mode, owner) in {"etc": (0o755, 0), "tmp": (0o1777, 0), "usr": (0o755, 0), "opt": (0o755, 0), **folders}.items():
                add(place, mode, owner)
            known = {"root": 0, **users}
            add("etc/passwd", 0o644, content="".join(f"{who}:x:{uid}:{uid}::/tmp:/bin/sh\n" for who, uid in known.items()).encode())
            add("etc/group", 0o644, content="".join(f"{who}:x:{uid}:\n" for who, uid in known.items()).encode())
            if entry is not None:
                add("opt/entry", 0o755, content=entry)
        file = self.folder / "empty.tar"
        file.write_bytes(packed.getvalue())
        change = [] if entry is None else ["--change", 'ENTRYPOINT ["/opt/entry"]']
        self("import", "--quiet", "--change", f"ENV PATH={path}", *change, file, name)
        file.unlink()

    def build(self, containerfile: Path, context: Path, name: str) -> None:
        """As `docker build`; pip finds packages where it finds them here."""
        settings = pip_settings()
        lines = ["[global]", *(f"{key} = {value}" for key, value in settings.items())]
        (self.folder / "pip.conf").write_text("\n".join(lines) + "\n")
        places = {"/etc/pip.conf": str(self.folder / "pip.conf")}
        for word in " ".join(settings.values()).split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.exists():
                places |= {str(path): str(path)}
                if word.startswith("file://"):  # an index names files beside its pages
                    places |= {str(path.parent): str(path.parent)}
        shared = [option for inside, here in places.items() for option in ("--volume", f"{here}:{inside}:ro")]
        self("build", "--network=host", *shared, "--file", containerfile, "--tag", name, context)

    # -- services

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Its service, which Docker Compose takes for Docker's. Checks of health are done here: Podman leaves them to systemd."""
        with (self.folder / "service.log").open("wb") as log:
            service = subprocess.Popen(["podman", "system", "service", "--time=0", self.environment["DOCKER_HOST"]], env=self.environment,
                                       stdout=log, stderr=log)
        ended = threading.Event()

        def look_after() -> None:
            while not ended.wait(2):
                with contextlib.suppress(RuntimeError):  # a container may end just now
                    for one in self("ps", "--quiet", "--filter", "health=starting").split():
                        subprocess.run(["podman", "healthcheck", "run", one], env=self.environment, capture_output=True, check=False)

        physician = threading.Thread(target=look_after)
        try:
            while not self.socket.exists():
                if service.poll() is not None:
                    raise RuntimeError((self.folder / "service.log").read_text())
                ended.wait(0.1)
            physician.start()
            yield
        finally:
            ended.set()
            if physician.is_alive():
                physician.join()
            service.terminate()
            service.wait(60)

    def described(self, container: str) -> dict[str, Any]:
        return dict(json.loads(self("inspect", container))[0])


def borrowed() -> list[str]:
    """Volumes that give an empty image the programs of this machine."""
    return [f"{top}:{top}:ro" for top in ("/usr", "/bin", "/sbin", "/lib", "/lib64") if Path(top).is_dir() and not Path(top).is_symlink()]


def pip_settings() -> dict[str, str]:
    """Where pip takes packages from on this machine."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):  # the environment goes before files
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in _PIP:
            found[key] = " ".join(str(ast.literal_eval(value)).split())
    return found
