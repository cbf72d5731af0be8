"""Messages, received by a real HTTP server."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from strongroom.cli.main import main
from strongroom.notify.addresses import addresses

SECRET = "hunter2-token"


@dataclass
class Receiver:
    url: str
    messages: list[dict] = field(default_factory=list)
    answer: int = 200


@pytest.fixture
def receiver():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.messages.append(json.loads(body))
            self.send_response(made.answer)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"json://someone:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def archive(site, capfd, **kwargs):
    capfd.readouterr()
    status = main(["archive", "--no-prefect", "--quiet", "--workers", "1", str(site.manifest())])
    shown = capfd.readouterr()
    assert SECRET not in shown.err + shown.out
    return status, shown.err


@pytest.fixture
def told(receiver, monkeypatch):
    monkeypatch.setenv("STRONGROOM_NOTIFY_URLS", receiver.url)
    return receiver


def two_warnings(site):
    site.write("metadata.csv", "filename,dc.title\nnone.html,x\nnowhere.html,y\n")


def test_no_message_without_findings(site, told, capfd):
    assert archive(site, capfd) == (0, "")
    assert told.messages == []


def test_one_message_for_a_run_with_findings(site, told, capfd):
    two_warnings(site)
    assert archive(site, capfd)[0] == 0
    (message,) = told.messages
    assert message["title"] == "strongroom: archive site: all well" and message["type"] == "info"
    assert "none.html" in message["message"] and "[record-without-file]" in message["message"] and "site/v1 sealed." in message["message"]


def test_a_collection_may_want_errors_only_or_every_run(site, told, capfd):
    two_warnings(site)
    site.settings = "notify: {severity: error}\n"
    archive(site, capfd)
    assert told.messages == []
    site.settings = "notify: {always: true, severity: error}\n"
    archive(site, capfd)
    assert len(told.messages) == 1
    site.settings = "notify: {severity: error}\nsymlinks: refuse\n"
    (site.source / "link").symlink_to("index.html")
    assert archive(site, capfd)[0] == 1
    assert told.messages[-1]["type"] == "failure" and "errors were found (exit status 1)" in told.messages[-1]["title"]
    assert len(told.messages) == 2


def test_a_run_that_could_not_be_done_is_told(site, told, capfd):
    site.store.rename(site.root / "drawer")
    assert archive(site, capfd)[0] == 3
    (message,) = told.messages
    assert message["title"] == "strongroom: archive site: failed (exit status 3)" and str(site.store) in message["message"]


def test_runs_over_everything_go_by_the_environment(site, told, capfd, monkeypatch):
    archive(site, capfd)
    audit = ["audit", "--no-prefect", "--quiet", "--workers", "1"]
    assert main(audit) == 0 and told.messages == []
    monkeypatch.setenv("STRONGROOM_NOTIFY", "always")
    assert main(audit) == 0 and len(told.messages) == 1
    monkeypatch.setenv("STRONGROOM_NOTIFY", "sometimes")
    assert main(audit) == 0 and len(told.messages) == 1
    assert "STRONGROOM_NOTIFY" in capfd.readouterr().err


@pytest.mark.parametrize("addressed", ["refusing", "closed", "unknown"])
def test_a_failing_notification_never_fails_the_run(site, told, capfd, monkeypatch, addressed):
    two_warnings(site)
    if addressed == "refusing":
        told.answer = 500
    else:
        url = f"json://u:{SECRET}@127.0.0.1:9/{SECRET}" if addressed == "closed" else f"nonsense-{SECRET}://{SECRET}"
        monkeypatch.setenv("STRONGROOM_NOTIFY_URLS", url)
    status, said = archive(site, capfd)
    assert status == 0 and "warning: not everybody was notified: address 1 of 1" in said


def test_the_others_are_told_when_one_cannot_be(site, told, capfd, monkeypatch):
    two_warnings(site)
    monkeypatch.setenv("STRONGROOM_NOTIFY_URLS", f"nonsense://{SECRET} {told.url}")
    status, said = archive(site, capfd)
    assert status == 0 and "address 1 of 2" in said and len(told.messages) == 1


def test_addresses_in_a_file(site, receiver, capfd, monkeypatch, tmp_path):
    file = tmp_path / "notify"
    file.write_text(f"# who is told\n\n{receiver.url}\n{receiver.url}\n")
    monkeypatch.setenv("STRONGROOM_NOTIFY_URLS_FILE", str(file))
    two_warnings(site)
    assert archive(site, capfd)[0] == 0
    assert len(receiver.messages) == 1
    file.unlink()
    status, said = archive(site, capfd)
    assert status == 0 and f"{file}: No such file" in said
    file.write_bytes(b"\xff" + SECRET.encode())
    status, said = archive(site, capfd)
    assert status == 0 and "not text in UTF-8" in said


def test_no_address_in_a_collection_manifest(site, capfd):
    site.settings = f"notify: {{urls: ['json://{SECRET}@example.org']}}\n"
    assert main(["archive", "--no-prefect", str(site.manifest())]) == 2
    assert "notify.urls" in capfd.readouterr().err


def test_a_message_is_bounded_and_holds_no_controls(site, told, capfd):
    lines = "".join(f"none-{number}\x1b[2J.html,x\n" for number in range(500))
    site.write("metadata.csv", "filename,dc.title\n" + lines)
    assert archive(site, capfd)[0] == 0
    (message,) = told.messages
    assert len(message["message"]) <= 4000 and "more" in message["message"] and "\x1b" not in message["message"]


def test_nothing_else_is_logged(site, told, capfd, caplog):
    two_warnings(site)
    told.answer = 403
    caplog.set_level(0)
    archive(site, capfd)
    assert SECRET not in caplog.text


def test_no_addresses_no_library(monkeypatch):
    assert addresses() == ()
    monkeypatch.setenv("STRONGROOM_NOTIFY_URLS", "  json://a\tjson://b  json://a ")
    assert addresses() == ("json://a", "json://b")
