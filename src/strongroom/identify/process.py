"""Identifying contents in a process apart, which may crash, hang or eat memory: that costs the content, and nobody else anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Final

from strongroom.core.formats import UNIDENTIFIED, Format
from strongroom.identify import link
from strongroom.identify.child import CONTENTS, TOGETHER, Answers, Item
from strongroom.identify.link import Link

#: CPU seconds that a content may take, and bytes for which a large one gets another. Ten times as long by the clock.
SECONDS: Final = 20.0
_BYTES_A_SECOND: Final = 20 * 1024**2
_LONGEST: Final = 600.0
#: Bytes that are handed over together.
_PORTION: Final = 16 << 20


class IdentificationFailedError(Exception):
    """A content for which no verdict can be had. The message says why; `verdict` is what to remember of it, None if another try may
    succeed."""

    def __init__(self, message: str, verdict: Format | None) -> None:
        super().__init__(message)
        self.verdict = verdict


#: A verdict, or why there is none.
Answer = Format | IdentificationFailedError


class Identifier:
    """The process that the workers of a run share, started when one of them first needs it and again when it ended; and one of its own for
    what it had there then, since nobody knows whose content it was. Not for several threads."""

    def __init__(self) -> None:
        self._usual: Link | None = None
        self._alone: Link | None = None
        self._folder: Path | None = None
        self._signatures = ""

    def signatures(self, folder: Path) -> str:
        """What judges, and by which signatures. Kept with every verdict, since others may judge otherwise. `folder`: as for `identify`.
        Raises CannotIdentifyError."""
        if not self._signatures:
            self._link(folder, alone=False)
        return self._signatures

    def identify(self, content: bytes | memoryview | int, extension: str, folder: Path) -> Format:
        """What a content is in a file with that extension (core.formats.extension_of). One that is too large for memory is given as the
        descriptor of a file that holds it. `folder`: scratch space of the run; those who give the same share a process.

        Raises IdentificationFailedError, and CannotIdentifyError.
        """
        (found,) = self.identify_all([(content, extension)], folder)
        if isinstance(found, IdentificationFailedError):
            raise found
        return found

    def identify_all(self, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path) -> list[Answer]:
        """The same for several: those in memory are handed over together. Raises CannotIdentifyError."""
        answers: list[Answer] = []
        for some in _portions(contents):
            answers += self._portion(some, folder)
        return answers

    def _portion(self, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path) -> list[Answer]:
        """Where the process ends, those that it looked at together for us are looked at one by one, in a process that has nothing else. The
        one at which that ends is tried once more, alone: perhaps it was the last straw for a process that had seen many, or the system's
        doing."""
        found: dict[int, Answer] = {}
        suspects: list[int] = []
        while todo := suspects or [number for number in range(len(contents)) if number not in found]:
            to = self._link(folder, alone=bool(suspects))
            together = 1 if suspects else TOGETHER
            try:
                done = 0
                for answers in _ask(to, [contents[number] for number in todo], folder, together):
                    for one in answers:
                        found[todo[done]] = one if isinstance(one, Format) else IdentificationFailedError(one, self._nothing(one))
                        done += 1
                suspects = []
            except (EOFError, OSError) as error:
                at = to.at_work
                ended = self._ended(to, error)
                guilty = todo[at]
                if together == 1 and (len(todo) == 1 or str(ended) == link.TOO_LONG):
                    found[guilty] = ended
                    suspects = [number for number in todo if number not in found]
                else:
                    suspects = todo[at : at + together]
            if not suspects and self._alone is not None:
                self._alone.close()
                self._alone = None
        return [found[number] for number in range(len(contents))]

    def close(self) -> None:
        """Leave the processes. They are started again if they are asked."""
        for one in (self._usual, self._alone):
            if one is not None:
                one.close()
        self._usual = self._alone = None

    def _link(self, folder: Path, *, alone: bool) -> Link:
        if self._usual is not None and (self._folder != folder or self._usual.has_left()):
            self._usual.close()
            self._usual = None
        if alone and (self._usual is None or not self._usual.private):
            self._alone = self._alone or link.private()
            return self._alone
        if self._usual is None:
            self._usual, self._folder = _usual(folder), folder
            self._signatures = self._usual.signatures
        return self._usual

    def _ended(self, to: Link, error: Exception) -> IdentificationFailedError:
        """Collect the process, and say how it ended."""
        said, transient = link.how_it_ended(to.process)
        to.close()
        if to is self._usual:
            self._usual = None
        else:
            self._alone = None
        how = said or str(error)
        return IdentificationFailedError(how, None if transient else self._nothing(how))

    def _nothing(self, why: str) -> Format:
        return Format(basis=f"not identified: {why}"[:200], flags=UNIDENTIFIED, signatures=self._signatures)


def _usual(folder: Path) -> Link:
    if os.path.isdir("/proc/self/fd"):
        try:
            return link.shared(folder)
        except OSError:  # a file system without locks or sockets
            pass
    return link.private()


def _ask(to: Link, contents: Sequence[tuple[bytes | memoryview | int, str]], folder: Path, together: int) -> Iterator[Answers]:
    to.reset()
    items = []
    at = CONTENTS
    for content, extension in contents:
        size = os.fstat(content).st_size if isinstance(content, int) else len(content)
        seconds = min(_LONGEST, SECONDS + size / _BYTES_A_SECOND)
        items.append(Item(extension, seconds, at, None if isinstance(content, int) else size))
        if not isinstance(content, int):
            _hand_over(to.shared, content, at)
            at += size
    to.connection.send((str(folder), items, together))
    for content, _ in contents:
        if isinstance(content, int):
            send_handle(to.connection, content, 0)
    left = len(items)
    while left:
        answers: Answers = to.connection.recv()
        left -= len(answers)
        yield answers
    os.ftruncate(to.shared, CONTENTS)


def _hand_over(shared: int, content: bytes | memoryview, at: int) -> None:
    """The process is not to blame where this fails: to ask another would take seconds, and fail as well. Raises CannotIdentifyError."""
    done = 0
    try:
        while done < len(content):  # at the limit of a file's size a part is written, and only the next call fails
            done += os.pwrite(shared, content[done:] if done else content, at + done)
    except OSError as error:
        raise link.CannotIdentifyError(
            f"{error.strerror} where contents are handed over to be identified, in a file of up to {_PORTION >> 20} MiB in memory. "
            "Allow files of that size (ulimit -f) and as much memory, or set `identify: false` in the collection manifest") from error


def _portions(contents: Sequence[tuple[bytes | memoryview | int, str]]) -> Iterator[Sequence[tuple[bytes | memoryview | int, str]]]:
    """Contents that are handed over together: as many as fit into _PORTION; each file alone."""
    some: list[tuple[bytes | memoryview | int, str]] = []
    size = 0
    for one in contents:
        length = _PORTION if isinstance(one[0], int) else len(one[0])
        if some and size + length > _PORTION:
            yield some
            some, size = [], 0
        some.append(one)
        size += length
    if some:
        yield some


@cache
def identifier() -> Identifier:
    """This process's own, which lives as long."""
    return Identifier()
