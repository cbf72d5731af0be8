"""The rows: a fault, the command it hits, and how that command may end. Everything else is the same for all (`attempt`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.faults.s3 import actions
from tests.faults.s3.proxy import Action, Fault
from tests.faults.s3.site import Site
from tests.fixtures.seaweedfs import S3Server

ALWAYS: Final = 10**9
_ANY: Final = "GET|PUT|POST|HEAD"
_WRITTEN: Final = (r"/open", r"\.tar", r"/content/", r"\.jsonl", r"/bag/", r"manifest-sha", r"/seal\.json", r"/log/")
_OK_OR_NOT: Final = (0, 3)  # patience may suffice


@dataclass(frozen=True)
class Row:
    name: str
    verb: str  # archive | restore | audit | replicate (to the bucket) | fetch (replicate, from the bucket)
    make: Callable[[Site], Fault]
    allowed: tuple[int, ...] = _OK_OR_NOT
    large: int | None = None  # bytes of the large file


def _write(site: Site) -> actions.Where:
    return actions.request("PUT", site.random.choice(_WRITTEN))


def _some(site: Site, act: Action, where: actions.Where) -> Fault:
    """One to twelve requests from some point on: fewer and more than are tried again."""
    return Fault(act, where, site.random.randint(1, 12), site.random.randrange(3))


def _anywhere(act: Callable[[Site], Action], methods: str = _ANY) -> Callable[[Site], Fault]:
    return lambda site: Fault(act(site), actions.request(methods), site.random.randint(1, 12), site.random.randrange(60))


def _from_now_on(act: Action, methods: str = _ANY) -> Callable[[Site], Fault]:
    return lambda site: Fault(act, actions.request(methods), ALWAYS, site.random.randrange(60))


def _their_write(site: Site, *, equal: bool) -> Action:
    def put(target: str, body: bytes) -> None:
        bucket, _, key = target.partition("?")[0].strip("/").partition("/")
        site.server.client().put_object(Bucket=bucket, Key=key, Body=body)
    return actions.written_before(put, equal=equal)


def _share(site: Site) -> float:
    return site.random.random()


def _both(name: str, act: Callable[[Site], Action], allowed: tuple[int, ...] = _OK_OR_NOT) -> list[Row]:
    return [Row(f"{verb}: {name}", verb, _anywhere(act), allowed) for verb in ("archive", "restore", "audit", "replicate", "fetch")]


_BIG: Final = 66 * 2**20
_COMPLETE: Final = actions.request("POST", "uploadId=")
ROWS: Final[tuple[Row, ...]] = (
    Row("archive: reset at some byte of a write", "archive", lambda s: _some(s, actions.reset_request(_share(s)), _write(s))),
    Row("archive: reply lost after a write", "archive", lambda s: _some(s, actions.lose_reply, _write(s))),
    Row("archive: reply to the seal lost", "archive", lambda s: Fault(actions.lose_reply, actions.request("PUT", r"/seal\.json"),
                                                                      s.random.randint(1, 8))),
    Row("archive: error after the seal was written", "archive",
        lambda s: Fault(actions.error_after(500, "InternalError"), actions.request("PUT", r"/seal\.json"), ALWAYS), (0, 3)),
    Row("archive: bits flip on the way up", "archive", lambda s: _some(s, actions.flip_up(s.random), _write(s))),
    Row("archive: 409 to a write", "archive", lambda s: _some(s, actions.answer(409, "ConditionalRequestConflict"), _write(s))),
    Row("archive: 412, the same bytes are there", "archive", lambda s: _some(s, _their_write(s, equal=True), _write(s))),
    Row("archive: 412, other bytes are there", "archive", lambda s: Fault(
        _their_write(s, equal=False), actions.request("PUT", s.random.choice((r"\.tar", r"/content/", r"\.jsonl", r"/bag/"))), 1)),
    Row("archive: no deleting, no replacing", "archive", lambda _: Fault(actions.deny, actions.deletes_or_replaces, ALWAYS), (0,)),
    *_both("reset in the reply", lambda s: actions.truncate_reply(_share(s), abruptly=True)),
    *_both("truncated, with length", lambda s: actions.truncate_reply(_share(s))),
    *_both("truncated, without length", lambda s: actions.truncate_reply(_share(s), with_length=False)),
    *_both("503 storm", lambda _: actions.answer(503, "SlowDown", headers=(("Retry-After", "1"),))),
    *_both("stalls", lambda s: s.random.choice((actions.stall_reply, actions.stall_request))),
    Row("replicate: reset at some byte of a write", "replicate", lambda s: _some(s, actions.reset_request(_share(s)), _write(s))),
    Row("replicate: reply lost after a write", "replicate", lambda s: _some(s, actions.lose_reply, _write(s))),
    Row("replicate: error after the seal was written", "replicate",
        lambda s: Fault(actions.error_after(500, "InternalError"), actions.request("PUT", r"/seal\.json"), ALWAYS), (0, 3)),
    Row("replicate: bits flip on the way up", "replicate", lambda s: _some(s, actions.flip_up(s.random), _write(s))),
    Row("replicate: 412, the same bytes are there", "replicate", lambda s: _some(s, _their_write(s, equal=True), _write(s))),
    Row("replicate: 412, other bytes are there", "replicate", lambda s: Fault(
        _their_write(s, equal=False), actions.request("PUT", s.random.choice((r"\.tar", r"/content/", r"\.jsonl", r"/bag/"))), 1)),
    Row("replicate: no deleting, no replacing", "replicate", lambda _: Fault(actions.deny, actions.deletes_or_replaces, ALWAYS), (0,)),
    Row("fetch: bits flip on the way down", "fetch", _anywhere(lambda s: actions.flip_down(s.random), "GET"), (0, 1, 3)),
    Row("restore: bits flip on the way down", "restore", _anywhere(lambda s: actions.flip_down(s.random), "GET"), (0, 1, 3)),
    *(Row(f"{verb}: {name}", verb, _from_now_on(actions.answer(status, code)), (3, 0))
      for verb in ("archive", "restore", "audit", "replicate", "fetch")
      for name, status, code in (("credentials expire", 400, "ExpiredToken"), ("the clock is wrong", 403, "RequestTimeTooSkewed"),
                                 ("a gateway answers 404 from then on", 404, ""))),
    Row("archive: in parts, reply to the completion lost", "archive", lambda s: Fault(
        actions.lose_reply, _COMPLETE, s.random.randint(1, 5)), large=_BIG),
    Row("archive: in parts, 200 with an error", "archive", lambda s: Fault(
        actions.answer(200, "InternalError"), _COMPLETE, s.random.randint(1, 5)), large=_BIG),
    Row("archive: in parts, bits flip on the way up", "archive", lambda s: _some(s, actions.flip_up(s.random), actions.request(
        "PUT", "partNumber")), large=_BIG),
)

#: What is no matter of single requests: name, verb, and what is done before and while the command runs.
REFUSED: Final = "connection refused"
RESTARTED: Final = "server killed and restarted"
WRONG_KEY: Final = "wrong secret key"


def attempt(row: Row, site: Site) -> list[str]:
    """Do it once; what was wrong."""
    _before(row.verb, site)
    fault = row.make(site)
    site.patient = row.allowed == (0,)
    with site.proxy.doing(fault):
        status = _command(row.verb, site)
    # One object's requests may all be hit, and those that ask whether the store answers be not: a finding, and no word of damage.
    if not (status == 1 and row.verb in ("restore", "audit") and site.only_unreadable()):
        site.expect(row.name, status, row.allowed)
    _afterwards(row.verb, status, site)
    return [f"{problem}  [{fault.done} requests were hit]" for problem in site.problems]


def _before(verb: str, site: Site) -> None:
    """What the command needs to be there."""
    if verb in ("replicate", "fetch"):
        site.add_copy(first=verb == "replicate")
        site.expect("archiving before the fault", site.run("archive", str(site.manifest), "--no-replicate", direct=True), (0,))
    elif verb != "archive":
        site.expect("archiving before the fault", site.archive(direct=True), (0,))


def _command(verb: str, site: Site) -> int:
    if verb == "archive":
        return site.archive()
    if verb in ("replicate", "fetch"):
        return site.run("replicate", str(site.manifest))
    return site.restore("restored") if verb == "restore" else site.run("audit", "site")


def _afterwards(verb: str, status: int, site: Site) -> None:
    if verb == "archive":
        if status == 0:
            site.must_restore()  # never success together with damage
        site.must_converge()
    elif verb in ("replicate", "fetch"):
        store = site.url if verb == "replicate" else str(site.copy)
        if status == 0:
            site.must_restore(store)
        site.expect("the rerun", site.run("replicate", str(site.manifest), direct=True), (0,))
        site.must_restore(store)
    elif verb == "restore":
        if status:
            site.expect("the rerun", site.restore("restored", direct=True), (0,))
    else:
        site.expect("the next audit", site.run("audit", "site", direct=True), (0,))


def refused(verb: str, site: Site) -> list[str]:
    """Nobody listens."""
    _before(verb, site)
    site.proxy.down()
    try:
        status = _command(verb, site)
    finally:
        site.proxy.up()
    site.expect(REFUSED, status, (3,))
    _afterwards(verb, status, site)
    return site.problems


def wrong_key(verb: str, site: Site) -> list[str]:
    """The real server refuses the signature."""
    status = site.run("archive", str(site.manifest), env={"AWS_SECRET_ACCESS_KEY": "wrong-canary-" + "x" * 20})
    site.expect(WRONG_KEY, status, (3,))
    _afterwards(verb, status, site)
    return site.problems


def restarted(site: Site, restart: Callable[[S3Server], None]) -> list[str]:
    """The server is killed while it writes, and comes back after a moment."""
    hit = threading.Event()

    def kill(exchange: object) -> None:
        hit.set()
        time.sleep(0.1)
        restart(site.server)
        raise OSError
    with site.proxy.doing(Fault(kill, _write(site), 1)):
        status = site.run("archive", str(site.manifest), env={"STRONGROOM_RETRY_SECONDS": "30"})
    if not hit.is_set():
        site.problems.append("the server was not killed: no such request")
    site.expect(RESTARTED, status, _OK_OR_NOT)
    _afterwards("archive", status, site)
    return site.problems
