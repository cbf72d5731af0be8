"""When a command runs as a flow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_prefect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_not_unless_asked_or_configured() -> None:
    assert not engine.wanted(None)
    assert engine.wanted(True)


def test_a_configured_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert engine.wanted(None)
    assert not engine.wanted(False)


PROFILES = """
active = "work"
[profiles.local]
[profiles.work]
PREFECT_API_URL = "http://prefect.example/api"
"""


def test_profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect" / "profiles.toml").write_text(PROFILES)
    assert engine.configured_api() == "http://prefect.example/api"
    monkeypatch.setenv("PREFECT_PROFILE", "local")
    assert engine.configured_api() is None
    (tmp_path / ".prefect" / "profiles.toml").write_text("active = [")
    assert engine.configured_api() is None


def run(code: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **variables},
    )


def test_an_api_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    code = "from flows import engine\ntry:\n engine.run('archive', collection='x')\nexcept Exception as e:\n print(type(e).__name__, e)"
    with run(code, PREFECT_API_URL="http://127.0.0.1:9/api", PREFECT_HOME=str(tmp_path), PREFECT_CLIENT_MAX_RETRIES="0") as process:
        out, _ = process.communicate(timeout=300)
    assert out.startswith("StrongroomError Prefect (http://127.0.0.1:9/api) does not answer: ")
    assert "--no-prefect" in out


SLEEPER = """
import signal, sys
from strongroom.cli import main
signal.signal(signal.SIGTERM, main._terminate)
from flows import engine
engine.prepare()
import tests.flows.sample as sample
try:
    sample.sleeper(sys.argv[1] if len(sys.argv) > 1 else FOLDER, return_state=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_a_flow_leaves_nothing_behind(sent: signal.Signals, tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    folder = tmp_path / "marks"
    folder.mkdir()
    with run(SLEEPER.replace("FOLDER", repr(str(folder))), PREFECT_API_URL=PREFECT_API_URL.value(), PREFECT_HOME=str(tmp_path)) as process:
        end = time.monotonic() + 300
        while len(os.listdir(folder)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        pids = [int(name) for name in os.listdir(folder)]
        assert len(pids) == 2
        process.send_signal(sent)
        process.communicate(timeout=300)  # half of what the workers would sleep
    assert process.returncode == 130
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with get_client(sync_client=True) as client:
        runs = client._client.post("/flow_runs/filter", json={"sort": "START_TIME_DESC", "limit": 1}).json()
    assert runs[0]["state_type"] in ("CRASHED", "CANCELLED")


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_a_temporary_server_ends_even_if_the_command_is_killed(tmp_path: Path) -> None:
    code = ("import os, time; from flows import server; server.start_temporary(); print(os.environ['PREFECT_API_URL'], flush=True); "
            "time.sleep(9999)")
    with run(code, PREFECT_HOME=str(tmp_path), PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1") as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("http://").partition("/")[0]
        host, port = address.split(":")
        socket.create_connection((host, int(port)), 10).close()
        process.kill()
    end = time.monotonic() + 300
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < end:
            socket.create_connection((host, int(port)), 10).close()
            time.sleep(0.2)


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_what_a_flow_raises_is_raised_and_said_as_without_prefect(tmp_path: Path) -> None:
    """A command with a configured API: the run Failed, and the exit status is that of the error."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("a")
    manifest = tmp_path / "unplugged.yaml"
    manifest.write_text("collection: unplugged\nsource: source\nstores: [no-such-store]\n")
    code = "import sys; from strongroom.cli.main import main; sys.exit(main(sys.argv[1:]))"
    shown = [
        subprocess.run(
            [sys.executable, "-c", code, "archive", manifest, flag], capture_output=True, text=True, check=False, timeout=300,
            env={
                **os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(tmp_path / "state"),
                "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path / "prefect"),
            },
        )
        for flag in ("--quiet", "--no-prefect")
    ]
    assert [run.returncode for run in shown] == [3, 3]
    by_prefect, local = (run.stderr.splitlines()[-1] for run in shown)
    assert by_prefect == local
    assert by_prefect.startswith("strongroom: ")
    with get_client(sync_client=True) as client:
        runs = client._client.post("/flow_runs/filter", json={"flow_runs": {"name": {"any_": ["archive unplugged"]}}}).json()
    assert [run["state_type"] for run in runs] == ["FAILED"]
