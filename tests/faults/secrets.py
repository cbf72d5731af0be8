"""Row: credentials and passphrases given in every way the program takes them are found nowhere afterwards."""

from __future__ import annotations

import base64
import http.server
import json
import os
import pty
import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from strongroom.core.errors import UsageError
from strongroom.signing import passphrase, secret
from strongroom.stores.open import parse_url
from tests.faults.oracle import holding
from tests.faults.place import Place, Result
from tests.fixtures.seaweedfs import S3Server, make_bucket, running_server

_QUIET = ("--no-prefect", "--quiet", "--workers", "1")


def nowhere(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """AWS variables, a profile file, addresses of messages and a file of them; runs that succeed and that fail, by Prefect too."""
    with running_server() as server:
        make_bucket(server.client(), "canary")
        for number in range(tries):
            yield _one(folder / str(number), server, f"s3://canary/{number}-{secrets.token_hex(4)}", by_prefect=number % 2 == 1)


def _one(root: Path, server: S3Server, url: str, *, by_prefect: bool) -> list[str]:
    kinds = ("session token", "wrong secret", "address of a message", "address in a file", "address that fails", "password in an address",
             "passphrase", "wrong passphrase")
    canaries = {kind: "canary" + secrets.token_hex(12) for kind in kinds} | {"secret": server.secret_key}
    given = root / "given"  # where credentials are meant to lie
    given.mkdir(parents=True)
    with _listening() as (port, heard), _process_list(list(canaries.values())) as seen:
        (given / "profile").write_text(
            f"[archive]\naws_access_key_id = {server.access_key}\naws_secret_access_key = {server.secret_key}\n")
        (given / "wrong").write_text(
            f"[archive]\naws_access_key_id = {server.access_key}\naws_secret_access_key = {canaries['wrong secret']}\n"
            f"aws_session_token = {canaries['session token']}\n")
        (given / "addresses").write_text(
            f"json://127.0.0.1:{port}/{canaries['address in a file']}\njson://127.0.0.1:1/{canaries['address that fails']}\n")
        (given / "passphrase").write_text(canaries["passphrase"] + "\n")
        (given / "no passphrase").write_text(canaries["wrong passphrase"] + "\n")
        for name in ("passphrase", "no passphrase"):
            (given / name).chmod(0o600)
        address = f"json://somebody:{canaries['password in an address']}@127.0.0.1:{port}/{canaries['address of a message']}"
        notify = {
            "STRONGROOM_NOTIFY": "always", "STRONGROOM_NOTIFY_URLS_FILE": str(given / "addresses"),
            "STRONGROOM_NOTIFY_URLS": address, passphrase.VARIABLE: str(given / "passphrase"),
        }
        variables = {**server.env, **notify}
        hidden = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        profile = {name: value for name, value in variables.items() if name not in hidden}
        profile |= {"AWS_PROFILE": "archive", "AWS_SHARED_CREDENTIALS_FILE": str(given / "profile")}
        wrong_profile = {**profile, "AWS_SHARED_CREDENTIALS_FILE": str(given / "wrong"), "STRONGROOM_DEBUG": "1"}
        results = _commands(root, url, variables, profile, wrong_profile, by_prefect=by_prefect)
        seeds = {f"private key {number}, {how}": text for number, seed in enumerate(_seeds(root / "home", canaries["passphrase"]))
                 for how, text in (("bytes", seed), ("hexadecimal", seed.hex().encode()), ("base64", base64.b64encode(seed)[:40]))}
    wrong = [f"{what}: exit status {result.status} instead of {expected}: {result.err[-1500:]}"
             for what, (result, expected) in results.items() if result.status != expected]
    wrong += [] if len(heard) >= 4 else [f"only {len(heard)} messages were sent"]
    for kind, seed in seeds.items():
        wrong += [f"{kind}: lies in {path}" for path in holding(seed, [root])]
        wrong += [f"{kind}: lies in the bucket, {key}" for key, data in _objects(server) if seed in data]
    for kind, canary in canaries.items():
        wrong += [f"{kind}: printed by {what}" for what, (result, _) in results.items() if canary in result.said]
        wrong += [f"{kind}: lies in {path}" for path in holding(canary.encode(), [path for path in root.iterdir() if path != given])]
        wrong += [f"{kind}: lies in the bucket, {key}" for key, data in _objects(server) if canary.encode() in data]
        wrong += [f"{kind}: stood in the process list" for one in seen if one == canary]
        wrong += [f"{kind}: was sent to somebody" for body in heard if canary.encode() in body]
    return wrong + _refused_without_repeating()


def _commands(
    root: Path, url: str, variables: dict[str, str], profile: dict[str, str], wrong: dict[str, str], *, by_prefect: bool
) -> dict[str, tuple[Result, int]]:
    """Results of commands, each with the exit status it should have."""
    by = Place(root, [f"{{url: '{url}'}}"], env=variables)
    by.source.mkdir()
    by.write("a.txt", b"alpha")
    results = {
        "store init": (by.run("store", "init", url), 0),
        "archive": (by.run("archive", by.manifest, "--json", *(["--prefect"] if by_prefect else _QUIET)), 0),
    }
    results |= _signing(by, root / "given")
    by.env = profile
    by.write("b.txt", b"beta")
    results |= {
        "archive by profile": (by.archive(), 0), "audit": (by.run("audit", *_QUIET), 0), "list": (by.run("list", "--json"), 0),
        "status": (by.run("status", "--json"), 0), "show": (by.run("show", "site", "--json"), 0),
        "restore": (by.run("restore", "site", root / "restored", *_QUIET), 0),
    }
    by.env = wrong
    return results | {
        "archive with a wrong secret": (by.archive(), 3), "audit with a wrong secret": (by.run("audit", *_QUIET), 3),
        "store init with a wrong secret": (by.run("store", "init", url + "/other"), 3),
    }


def _signing(by: Place, given: Path) -> dict[str, tuple[Result, int]]:
    """A passphrase given in every way there is, and a wrong one."""
    right, wrong = given / "passphrase", given / "no passphrase"

    def archive(number: int, *options: str | Path, **how: Any) -> Result:
        by.write(f"signed/{number}", b"%d" % number)
        return by.archive(*map(str, options), **how)

    results = {"keys new": (by.run("keys", "new", "--passphrase-file", right, "--json"), 0), "archive by the variable": (archive(1), 0)}
    with right.open() as opened:
        by_descriptor = archive(2, "--passphrase-fd", str(opened.fileno()), pass_fds=(opened.fileno(),))
    results |= {
        "archive by a descriptor": (by_descriptor, 0),
        "archive with a wrong passphrase": (archive(3, "--passphrase-file", wrong), 2),
        "keys rotate": (by.run("keys", "rotate"), 0),
        "keys list": (by.run("keys", "list", "--json"), 0),
    }
    by.env = {name: value for name, value in by.env.items() if name != passphrase.VARIABLE}
    by.write("signed/4", b"4")
    return results | {
        "archive at a terminal": (_at_terminal(by, right.read_bytes(), "archive", str(by.manifest), *_QUIET), 0),
        "archive without any": (archive(5), 2),
    }


def _at_terminal(by: Place, typed: bytes, *arguments: str) -> Result:
    """The command with a terminal for its standard input and error, at which a line is typed."""
    master, slave = pty.openpty()
    with by.start(*arguments, stdin=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        while b"Passphrase" not in shown and (more := os.read(master, 4096)):
            shown += more
        os.write(master, typed)
        with suppress(OSError):  # EIO: the other side is closed
            while more := os.read(master, 4096):
                shown += more
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(master)
    return Result(process.returncode, out, shown.decode(errors="replace"))


def _seeds(home: Path, words: str) -> list[bytes]:
    """The private halves of the keys below `home`."""
    return [_seed(secret.unlock(path.read_bytes(), words.encode(), what=str(path))) for path in sorted((home / "keys").glob("*.key"))]


def _seed(signer: secret.Signer) -> bytes:
    return signer._private.private_bytes_raw()


def _refused_without_repeating() -> list[str]:
    """A credential in a store's URL is not taken; and what is said about it does not hold it."""
    wrong = []
    for url in ("s3://somebody:canary@bucket/prefix", "https://somebody:canary@host/bucket"):
        try:
            parse_url(url)
        except UsageError as error:
            wrong += [f"{url}: repeated: {error}"] if "canary" in str(error) else []
        else:
            wrong.append(f"{url}: taken")
    return wrong


def _objects(server: S3Server) -> Iterator[tuple[str, bytes]]:
    client = server.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="canary"):
        for one in page.get("Contents", []):
            yield one["Key"], client.get_object(Bucket="canary", Key=one["Key"])["Body"].read()


@contextmanager
def _listening() -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that takes messages: its port, and their bodies."""
    heard: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            json.loads(body)
            heard.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, heard
        server.shutdown()


@contextmanager
def _process_list(canaries: list[str]) -> Iterator[set[str]]:
    """The canaries that stood in the command line of any process while this was open."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for entry in os.listdir("/proc"):
                if entry.isdecimal():
                    with suppress(OSError):
                        line = Path(f"/proc/{entry}/cmdline").read_bytes()
                        seen.update(canary for canary in canaries if canary.encode() in line)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
