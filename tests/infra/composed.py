"""The services of compose.yaml as processes of this machine, without containers.

The same commands, environment, secrets, checks of health and order, read from that file and from the container file. What a container would
give them is given here instead: a service's name becomes a port of 127.0.0.1, a path inside becomes a folder below `root`, and what the
image of PostgreSQL does at its first start is done by hand.
"""

from __future__ import annotations

import base64
import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import yaml

from tests.fixtures import postgres
from tests.fixtures.seaweedfs import _weed, free_ports
from tests.infra.processes import descendants, environment_of, kill_with_descendants

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "infra" / "compose"
PATIENCE: Final = 600  # seconds until a service must be well, on a machine that does other work
_PATHS: Final = re.compile(r"(?<![\w.-])/(run/secrets|var/lib/strongroom|manifests|sources|restored|data|opt/infra|tmp)(?![\w.-])")
_PORT: Final = {
    "prefect-database": "5432", "catalogue": "5432", "prefect-server": "4200", "s3": "8333", "worker-1": "8080", "worker-2": "8080",
}
#: Ports of SeaweedFS that only it uses.
_INNER: Final = [name + end for name in ("master.port", "volume.port", "filer.port", "s3.port") for end in (".grpc", "")][:-1]
#: On a machine that does other work, what takes a second takes a minute.
_PATIENT: Final = dict.fromkeys(
    ("PREFECT_SERVER_DATABASE_TIMEOUT", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT", "PREFECT_API_REQUEST_TIMEOUT"), str(PATIENCE))


def services() -> dict[str, Any]:
    """By name, as the file says them. It wants no interpolation but in the places of volumes, which are not read here."""
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]


def image() -> tuple[dict[str, str], list[str]]:
    """The environment and the entry point that the container file gives."""
    lines = (COMPOSE / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    environment = dict(pair.split("=", 1) for line in last if line.startswith("ENV ") for pair in shlex.split(line)[1:])
    entry = next(line for line in last if line.startswith("ENTRYPOINT "))
    return environment, yaml.safe_load(entry.removeprefix("ENTRYPOINT "))


class Composed:
    """Every service, started in the order that they ask for, below `root`, an empty folder."""

    def __init__(self, root: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` go before the environment that the file gives, in every service."""
        self.root, self.services, self._settings = root, services(), settings or {}
        ports = list(map(str, free_ports(len(_PORT) + len(_INNER))))  # at once: what is free stays so only until it is used
        self.ports, self._inner = dict(zip(_PORT, ports, strict=False)), ports[len(_PORT):]
        self._processes: dict[str, tuple[subprocess.Popen[bytes], signal.Signals]] = {}
        self._events = {name: threading.Event() for name in self.services}
        self._failed = threading.Event()
        self._cause: BaseException | None = None
        self._databases: list[Path] = []
        self.image_environment, self.entrypoint = image()
        self._prepare()

    def _prepare(self) -> None:
        (self.root / "bin").mkdir(parents=True)
        for name, command in (("python", ""), ("prefect", "-m prefect"), ("strongroom", "-m strongroom")):
            shim = self.root / "bin" / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
            shim.chmod(0o755)
        shutil.copy(COMPOSE / "with-secrets", self.root / "bin")
        shutil.copytree(ROOT / "infra" / "s3", self.root / "opt")  # as the container file copies them: both into one folder
        for name in ("prefect.yaml", "automations.py"):
            shutil.copy(ROOT / "infra" / name, self.root / "opt")
        subprocess.run([COMPOSE / "make-secrets", self.root / "secrets"], check=True)
        for name in ("manifests", "restored", "s3"):
            (self.root / name).mkdir()
        for file in (COMPOSE / "manifests").glob("*.yaml"):
            (self.root / "manifests" / file.name).write_text(self.here("worker-1", file.read_text()))

    def here(self, service: str, text: str) -> str:
        """What is said for the inside of a container, as it must be said on this machine."""
        for name, port in _PORT.items():
            text = re.sub(rf"(?<![\w-]){name}:{port}\b", f"127.0.0.1:{self.ports[name]}", text)
        if port := _PORT.get(service):
            text = re.sub(rf"\b127\.0\.0\.1:{port}\b", f"127.0.0.1:{self.ports[service]}", text)
        places = {"run/secrets": "secrets", "var/lib/strongroom": f"{service}/home", "data": "s3", "opt/infra": "opt",
                  "tmp": f"{service}/tmp"}
        here = str(self.root)  # may itself lie below a folder of that name, as /tmp: what is said of it is said for this machine

        def place(found: re.Match[str]) -> str:
            return found[0] if text.startswith(here, found.start()) else str(self.root / places.get(found[1], found[1]))

        return _PATHS.sub(place, text)

    def environment(self, service: str) -> dict[str, str]:
        said = self.services[service].get("environment", {})
        given = {name: self.here(service, str(value)) for name, value in {**self.image_environment, **said}.items() if name != "PATH"}
        for name, value in said.items():
            if name.endswith("_HOST") and value in self.ports:
                given |= {name: "127.0.0.1", name.removesuffix("HOST") + "PORT": self.ports[value]}
        for folder in ("home", "tmp"):
            (self.root / service / folder).mkdir(parents=True, exist_ok=True)
        return {
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.root / service / "home"), "LANG": "C.UTF-8",
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TMPDIR": str(self.root / service / "tmp"), **given,
            # Of two workers that share a machine, and so that nobody waits ten seconds for each to ask.
            "PREFECT_WORKER_WEBSERVER_PORT": self.ports.get(service, "0"), "PREFECT_WORKER_QUERY_SECONDS": "1", **_PATIENT,
            **self._settings,
        }

    def run(self, service: str, command: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
        """A command in the place of a service's own, to its end."""
        environment = {**self.environment(service), **settings}
        return subprocess.run([self._entry(), *(self.here(service, word) for word in command)], env=environment, cwd=self.root / service,
                              capture_output=True, text=True, check=False)

    # -- starting

    def start(self) -> None:
        """Returns when every service is well, or did what it has to do once. Raises RuntimeError with what the one that failed said."""
        with ThreadPoolExecutor(len(self.services)) as pool:
            pool.map(self._bring_up, self.services)
        if self._cause is not None:
            raise self._cause

    def _bring_up(self, service: str) -> None:
        described = self.services[service]
        try:
            for other in described.get("depends_on", {}):
                while not self._events[other].wait(0.2):
                    if self._failed.is_set():
                        return
            if "POSTGRES_DB" in described.get("environment", {}):
                self._database(service)
            elif "healthcheck" in described:
                self._serve(service)
            else:
                done = self.run(service, described["command"])
                (self.root / f"{service}.log").write_text(done.stdout + done.stderr)
                if done.returncode:
                    raise RuntimeError(f"{service}: {done.stdout}{done.stderr}")
            self._events[service].set()
        except BaseException as error:
            if not self._failed.is_set():  # the others fail for its sake
                self._cause = error
            self._failed.set()

    def _serve(self, service: str) -> None:
        self._wait(service, *self._begin(service))

    def _begin(self, service: str) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
        command, environment = [self.here(service, word) for word in self.services[service]["command"]], self.environment(service)
        command = [word.replace("0.0.0.0", "127.0.0.1").replace(_PORT[service], self.ports[service]) for word in command]
        if service == "s3":  # its own ports are those of this machine, where other servers run
            more = [f"-{name}={port}" for name, port in zip(_INNER, self._inner, strict=True)]
            command = [_weed(), *command, *more]
        else:
            command = [self._entry(), *command]
        return self._launch(service, command, env=environment, cwd=self.root / service), environment

    def _database(self, service: str) -> None:
        """As the image does at its first start: POSTGRES_USER, with the password of the file, owns POSTGRES_DB."""
        tools, said, port = postgres.postgres_tools(), self.services[service]["environment"], self.ports[service]
        folder = postgres._open_folder() / f"pg-{port}"
        folder.mkdir(mode=0o700)
        self._databases.append(folder)
        word = folder / "word"
        shutil.copy(self.here(service, said["POSTGRES_PASSWORD_FILE"]), word)
        who = postgres.unprivileged()
        if who:
            for path in (folder, word):
                os.chown(path, who["user"], who["group"])
        made = subprocess.run(
            [tools / "initdb", "-D", folder / "data", "-U", said["POSTGRES_USER"], f"--pwfile={word}", "--no-sync", "-E", "UTF8",
             "--locale=C.UTF-8", *said["POSTGRES_INITDB_ARGS"].split()], cwd=folder, capture_output=True, text=True, check=False, **who)
        if made.returncode:
            raise RuntimeError(made.stderr)
        program, *arguments = self.services[service]["command"]
        command = [tools / program, "-D", folder / "data", "-k", folder, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        process = self._launch(service, [*command, *arguments], cwd=folder, stop=signal.SIGQUIT, **who)
        environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PGPORT": port, "PGPASSWORD": word.read_text()}
        self._wait(service, process, environment)
        create = ["createdb", "--host=127.0.0.1", f"--username={said['POSTGRES_USER']}", "--maintenance-db=postgres", said["POSTGRES_DB"]]
        subprocess.run(create, env=environment, check=True)

    def _entry(self) -> str:
        return str(self.root / "bin" / Path(self.entrypoint[0]).name)

    def _launch(self, service: str, command: list[Any], *, stop: signal.Signals = signal.SIGKILL, **more: Any) -> subprocess.Popen[bytes]:
        with (self.root / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **more)
        self._processes[service] = process, stop
        return process

    def healthy(self, service: str, environment: dict[str, str]) -> bool:
        """Whether the check of health that the file names says so."""
        kind, *check = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [self.here(service, word) for word in check]
        return not subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def _wait(self, service: str, process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
        end = time.monotonic() + PATIENCE
        while not self.healthy(service, environment):
            if self._failed.is_set() or process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{service} did not come up: {self.log(service)[-3000:]}")
            time.sleep(0.3)

    def log(self, service: str) -> str:
        return (self.root / f"{service}.log").read_text(errors="replace")

    # -- what happens to a service

    def flow_runs(self, service: str) -> set[str]:
        """The flow runs that a worker has processes for, by id."""
        started_with = map(environment_of, descendants(self._processes[service][0].pid))
        return {one["PREFECT__FLOW_RUN_ID"] for one in started_with if one.get("PREFECT__FLOW_RUN_ID")}

    def lose(self, service: str) -> None:
        """Kill it with all that it started, as when its machine fails."""
        process = self._processes[service][0]
        kill_with_descendants(process.pid)
        process.wait(60)

    def again(self, service: str) -> None:
        """As `restart: unless-stopped` says. Does not wait until it is well."""
        self._begin(service)

    def ask(self, path: str, body: Any = None, *, known: bool = True, method: str | None = None) -> Any:
        """Prefect's API, as a person with the password, or without it."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['prefect-server']}/api/{path}", method=method)
        if known:
            word = (self.root / "secrets" / "prefect-auth").read_text().strip()
            request.add_header("Authorization", "Basic " + base64.b64encode(word.encode()).decode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def submit(self, job: str, **parameters: Any) -> str:
        """As `prefect deployment run JOB/JOB`. Returns the flow run's id."""
        deployment = self.ask(f"deployments/name/{job}/{job}")["id"]
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"deployments/{deployment}/create_flow_run", asked)["id"])

    def keys(self, who: str) -> dict[str, str]:
        """The S3 credentials of the administrator, the archiver or the sweeper."""
        parsed = configparser.ConfigParser()
        parsed.read(self.root / "secrets" / f"s3-{who}")
        return dict(parsed["default"])

    def s3(self, who: str) -> S3Client:
        return boto3.session.Session().client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.ports['s3']}", region_name="us-east-1", **self.keys(who))  # type: ignore[call-overload]

    def stop(self) -> None:
        """At once: what they hold is disposable."""
        for service, (process, how) in reversed(self._processes.items()):
            if process.poll() is None and how is signal.SIGKILL:
                self.lose(service)
            elif process.poll() is None:
                os.killpg(process.pid, how)
            process.wait(60)
        for folder in self._databases:
            shutil.rmtree(folder, ignore_errors=True)
