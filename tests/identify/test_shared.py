"""The process that the workers of a run share: nobody pays for what another's content does to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from strongroom.core.formats import Format
from strongroom.identify import link, process
from strongroom.identify.child import SHARED_BY
from strongroom.identify.process import IdentificationFailedError, Identifier
from tests.fixtures.processes import until_gone

HTML = b"<!doctype html><title>A page</title><p>Words"
SHEET = b"a { color: red }\n"
CRASHING = link._BOOTSTRAP.replace("strongroom.identify.child", "tests.faults.hostile.crashing")
MAIN = "from strongroom.identify.child import main\n"
#: It never ends for want of work, however long a test is kept from asking.
PATIENT = link._BOOTSTRAP.replace(MAIN, f"from strongroom.identify import child\nchild.IDLE = 86_400.0\n{MAIN}")
Make = Callable[[], Identifier]


@pytest.fixture
def worker() -> Iterator[Make]:
    """Makes what each worker has; here they are threads."""
    made: list[Identifier] = []

    def make() -> Identifier:
        made.append(Identifier())
        return made[-1]

    yield make
    for one in made:
        one.close()


def process_of(one: Identifier) -> subprocess.Popen[bytes] | None:
    assert one._usual is not None
    return one._usual.process


def test_one_process_for_all_until_the_last_has_left(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_BOOTSTRAP", PATIENT)
    folder = tmp_path / ("longer than the name of a socket may be " * 4)
    folder.mkdir()
    first, second = worker(), worker()
    with ThreadPoolExecutor() as threads:
        pages = threads.submit(first.identify_all, [(HTML + b"%d" % n, "html") for n in range(300)], folder)
        sheets = threads.submit(second.identify_all, [(SHEET * n, "css") for n in range(1, 300)], folder)
        assert {one.puid for one in pages.result() if isinstance(one, Format)} == {"fmt/471"} and len(pages.result()) == 300
        assert {one.puid for one in sheets.result() if isinstance(one, Format)} == {"x-fmt/224"} and len(sheets.result()) == 299
    (started,) = {process_of(first), process_of(second)} - {None}
    assert started is not None
    (first if process_of(first) else second).close()
    left = second if first._usual is None else first
    assert left.identify(HTML, "html", folder).puid == "fmt/471" and process_of(left) is None
    left.close()
    assert started.wait(300) == 0


def test_what_is_looked_at_side_by_side_is_judged_as_one_by_one(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_BOOTSTRAP", PATIENT)
    contents = [(HTML + b"%d" % n, "html") for n in range(50)] + [(b"%%PDF-1.4\n%d" % n, "pdf") for n in range(50)]
    contents += [(b"", "txt"), (SHEET, "css"), (b"PK\x03\x04" + bytes(26), "zip"), (b"plain words", "html")] * 10
    contents += [(b"\x89PNG\r\n\x1a\n", "jpg")]
    one, other = worker(), worker()
    alone = one.identify_all(contents, tmp_path)
    other.identify(HTML, "html", tmp_path)  # from here on there are two
    assert one._usual is not None and other._usual is not None and process_of(other) is None
    assert one.identify_all(contents, tmp_path) == alone


def test_more_workers_than_one_process_takes(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_BOOTSTRAP", PATIENT)
    workers = [worker() for _ in range(SHARED_BY + 2)]
    for one in workers:
        assert one.identify(HTML, "html", tmp_path).puid == "fmt/471"
    assert sum(process_of(one) is not None for one in workers) == 2


def test_it_ends_for_want_of_work_and_is_started_again(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = tmp_path / "served"  # until it is there, no time counts as idle: the first question may come late
    impatient = (
        "import os\nfrom strongroom.identify import child\nchild.IDLE, idle = 0.2, child._Limits.idle\n"
        f"child._Limits.idle = lambda limits: idle(limits) if os.path.exists({str(served)!r}) else 0\n{MAIN}")
    monkeypatch.setattr(link, "_BOOTSTRAP", link._BOOTSTRAP.replace(MAIN, impatient))
    one = worker()
    assert one.identify(HTML, "html", tmp_path).puid == "fmt/471"
    first = process_of(one)
    served.touch()
    assert first is not None and first.wait(300) == 0
    monkeypatch.setattr(link, "private", lambda: pytest.fail("nothing was lost"))
    monkeypatch.setattr(link, "_BOOTSTRAP", CRASHING)
    assert one.identify(HTML, "html", tmp_path).puid == "fmt/471"


def test_another_run_has_another_process(worker: Make, tmp_path: Path) -> None:
    one = worker()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert one.identify(HTML, "html", tmp_path / name).puid == "fmt/471"
        assert (tmp_path / name / "identify.socket").is_socket() and process_of(one) is not None


def test_where_there_can_be_no_socket_each_has_its_own(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "identify.socket").mkdir()
    monkeypatch.setattr(link, "_BOOTSTRAP", CRASHING)
    one, other = worker(), worker()
    answers = one.identify_all([(HTML, "html"), (b"CRASH", ""), (SHEET, "css")], tmp_path)
    assert [isinstance(answer, Format) for answer in answers] == [True, False, True] and "SIGSEGV" in str(answers[1])
    assert other.identify(HTML, "html", tmp_path).puid == "fmt/471" and process_of(one) != process_of(other)


def test_who_was_at_work_when_anothers_content_crashed_is_not_blamed(worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_BOOTSTRAP", CRASHING)
    here = b"\n%s\n" % os.fsencode(tmp_path / "here")
    guilty, innocent = worker(), worker()
    with ThreadPoolExecutor() as threads:
        crashed = threads.submit(guilty.identify_all, [(HTML, "html"), (b"AFTER" + here, "")], tmp_path)
        found = threads.submit(innocent.identify_all, [(b"NEIGHBOUR" + here, "txt")] * 40 + [(HTML, "html")] * 40, tmp_path).result()
    assert [one.puid if isinstance(one, Format) else str(one) for one in found] == ["x-fmt/111"] * 40 + ["fmt/471"] * 40
    page, failure = crashed.result()
    assert isinstance(page, Format) and page.puid == "fmt/471"
    assert isinstance(failure, IdentificationFailedError) and failure.verdict is not None and "SIGSEGV" in str(failure)
    assert guilty._alone is None and innocent._alone is None


@pytest.mark.parametrize(("content", "why"), [(b"HANG", link.TOO_LONG), (b"BOMB", "memory")])
def test_a_limit_holds_while_others_go_on(
    worker: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, why: str,
) -> None:
    monkeypatch.setattr(link, "_BOOTSTRAP", CRASHING)
    monkeypatch.setattr(process, "SECONDS", 1.0)
    guilty, innocent = worker(), worker()
    with ThreadPoolExecutor() as threads:
        failing: Future[list[process.Answer]] = threads.submit(guilty.identify_all, [(content, "")], tmp_path)
        end = time.monotonic() + 120
        going = True
        while going and time.monotonic() < end:
            going = not failing.done()  # and once more, afterwards
            assert innocent.identify(HTML, "html", tmp_path).puid == "fmt/471"
        in_time = failing.done()
        for one in (guilty._usual, guilty._alone):
            if not in_time and one is not None and one.process is not None:
                one.process.kill()  # so that this test ends
        (failure,) = failing.result()
    assert in_time and isinstance(failure, IdentificationFailedError) and why in str(failure)


def test_nothing_is_left_of_a_worker_that_is_killed_at_work(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom strongroom.identify import link\nfrom strongroom.identify.process import Identifier\n"
        f"link._BOOTSTRAP = {CRASHING!r}\none = Identifier()\nfolder = Path(sys.argv[1])\none.signatures(folder)\n"
        "print(one._usual.process.pid, flush=True)\none.identify(b'NEIGHBOUR\\n' + bytes(folder / 'here') + b'\\n', '', folder)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[2] / part) for part in ("src", "."))}
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        pid = int(killed.stdout.readline())
        while not (tmp_path / "here").exists():
            assert killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    assert until_gone([pid])
