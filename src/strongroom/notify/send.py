"""Sending one message with apprise. Nothing said here holds an address: they are numbered instead."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apprise


def send(urls: Sequence[str], title: str, body: str, *, severe: bool) -> list[str]:
    """Send the message to every address; a sentence for each one that did not take it. Waits some ten seconds at most for each."""
    problems: list[str] = []
    with _silence():
        for number, url in enumerate(urls, 1):
            where = f"address {number} of {len(urls)}"
            service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if service is None:
                problems.append(f"{where} is none that apprise understands (https://appriseit.com lists them)")
                continue
            kind = apprise.NotifyType.FAILURE if severe else apprise.NotifyType.INFO
            messenger = apprise.Apprise()
            messenger.add(service)
            sent = messenger.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
            if not sent:
                problems.append(f"{where} ({service.service_name}) did not take the message")
    return problems


@contextmanager
def _silence() -> Iterator[None]:
    """What these libraries log may hold an address."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
