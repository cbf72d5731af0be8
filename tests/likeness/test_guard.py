"""What hostile contents do costs them alone."""

from __future__ import annotations

import gc
import os
import signal
import time

import pytest

from strongroom.likeness.guard import Failed, Limits, each

GENEROUS = Limits(seconds=120)


def act(item: str | int) -> object:
    match item:
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(7)
        case "hang":
            time.sleep(3600)
        case "spin":
            while True:
                pass
        case "memory":
            return len(bytearray(8 << 30))
        case "raise":
            raise ValueError("in words")
        case "nested":
            return act_again(item)
        case "large":
            return b"x" * (5 << 20)  # more than a pipe holds
    return item


def act_again(item: str) -> object:
    return act_again(item)


def test_each_item_has_its_answer_whatever_the_others_do() -> None:
    items = [1, "crash", 2, "exit", "raise", "nested", "large", 3, "crash"]
    answers = list(each(act, items, GENEROUS))
    assert answers == [1, Failed("signal 9"), 2, Failed("exit status 7"), Failed("ValueError: in words"), Failed("it is nested too deeply"),
                       b"x" * (5 << 20), 3, Failed("signal 9")]


def test_one_that_hangs_is_ended() -> None:
    assert list(each(act, ["spin", 1], Limits(seconds=1.0))) == [Failed("it took longer than 1 s"), 1]
    assert list(each(act, ["hang", 1], Limits(waiting=5.0))) == [Failed("it did not end within 5 s"), 1]


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the limit of memory is Linux's")
def test_one_that_wants_too_much_memory_goes_without() -> None:
    assert list(each(act, ["memory", 1], Limits(seconds=120, memory=1 << 28))) == [Failed("it needs more than 0.2 GiB of memory"), 1]


def test_no_child_and_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def forking() -> int:
        children.append(fork())
        return children[-1]

    monkeypatch.setattr(os, "fork", forking)
    gc.collect()  # what others left open is not closed in between
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    answers = each(act, [1, 2, 3], GENEROUS)
    assert next(answers) == 1
    answers.close()
    list(each(act, ["crash", 1], GENEROUS))
    assert len(children) == 3
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
    if before:
        assert set(os.listdir("/proc/self/fd")) <= before
