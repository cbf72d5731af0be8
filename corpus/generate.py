"""Make a large collection to try things on: python -m corpus.generate --profile small|mixed|large --files N --seed S DEST

small  web pages of 1 to 16 KiB in several scripts, compressible about 2:1; 30 % are exact duplicates of others
mixed  log-normal sizes around a median of 20 KiB up to 64 MiB (5,000 files: 1.7 GB); half text, half incompressible
large  files of --size bytes (1 GiB), alternately incompressible and text

The same profile, number, seed and size give the same names and bytes everywhere.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from corpus.text import chance, cut, noise, prose

KIB, MIB, GIB = 1024, 1024**2, 1024**3
FOLDER_FILES = 1000
DUPLICATE_SHARE = 0.3
MIXED_MEDIAN, MIXED_SIGMA, MIXED_MAX = 20 * KIB, 2.42, 64 * MIB
_NORMAL = NormalDist()
_BLOCK = MIB
_HEAD = b'<!doctype html>\n<html><head><meta charset="utf-8"><title>Page</title></head><body><pre>\n'
_FOOT = b"</pre></body></html>\n"
_NAMES = ("page", "notiz", "seite à lire", "страница", "σελίδα", "דף", "頁")


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be written: its path below the destination, and its bytes in blocks of at most a MiB."""

    path: str
    blocks: Iterable[bytes]


def small(files: int, seed: int) -> Iterator[Item]:
    """`files` web pages; exactly floor(0.3 · files) of them repeat an earlier one."""
    pool = prose(seed)
    distinct = 0
    for number in range(files):
        text = distinct
        if distinct and int((number + 1) * DUPLICATE_SHARE) > int(number * DUPLICATE_SHARE):
            text = next(chance(seed, "duplicate", number)) % distinct
        else:
            distinct += 1
        draw = chance(seed, "text", text)
        yield Item(_path(number, "html"), (_page(pool, b"text %d" % text, next(draw), KIB + next(draw) % (15 * KIB + 1)),))


def mixed(files: int, seed: int) -> Iterator[Item]:
    """`files` files whose sizes are the quantiles of the distribution: the total hardly depends on the seed."""
    pool = prose(seed)
    step = next(step for step in range(int(files * 0.618) + 1, 2 * files + 2) if math.gcd(step, files) == 1)
    start = next(chance(seed, "mixed"))
    for number in range(files):
        rank = (start + number * step) % files
        # By rank, so that each half has small and large files.
        yield _item(pool, seed, number, mixed_size(rank, files), compressible=rank % 2 == 1)


def mixed_size(rank: int, files: int) -> int:
    """The size in bytes of the file that has `rank` smaller ones among `files`."""
    return min(MIXED_MAX, int(MIXED_MEDIAN * math.exp(MIXED_SIGMA * _NORMAL.inv_cdf((rank + 0.5) / files))))


def large(files: int, seed: int, size: int = GIB) -> Iterator[Item]:
    """`files` files of `size` bytes."""
    pool = prose(seed)
    for number in range(files):
        yield _item(pool, seed, number, size, compressible=number % 2 == 1)


def _item(pool: bytes, seed: int, number: int, size: int, *, compressible: bool) -> Item:
    if compressible:
        return Item(_path(number, "txt"), _text(pool, number, size))
    return Item(_path(number, "bin"), _noise(seed, number, size))


def _path(number: int, extension: str) -> str:
    return f"{number // FOLDER_FILES:03d}/{_NAMES[number % len(_NAMES)]} {number}.{extension}"


def _page(pool: bytes, title: bytes, start: int, length: int) -> bytes:
    """A page of exactly `length` bytes, since what is named so but is none would be told apart from one at a cost that no site has."""
    return _HEAD + cut(pool, title, start, length - len(_HEAD) - len(_FOOT)) + _FOOT


def _text(pool: bytes, number: int, size: int) -> Iterator[bytes]:
    for block, at in enumerate(range(0, size, _BLOCK)):
        title = b"file %d, part %d" % (number, block)
        length = min(_BLOCK, size - at)
        yield cut(pool, title, next(chance("part", number, block)), length) if length > len(title) else title[:length]


def _noise(seed: int, number: int, size: int) -> Iterator[bytes]:
    for block, at in enumerate(range(0, size, _BLOCK)):
        yield noise(f"{seed}/{number}", block, min(_BLOCK, size - at))


def write(items: Iterable[Item], dest: Path, total: int) -> int:
    """Write `items` below `dest`, which is absent or empty, and say on standard error how far it is; the bytes written.

    Raises FileExistsError if `dest` holds anything.
    """
    dest.mkdir(parents=True, exist_ok=True)
    if any(dest.iterdir()):
        raise FileExistsError(f"{dest} is not empty; choose a new folder, nothing was written")
    written, told, folder = 0, time.monotonic(), ""
    for number, item in enumerate(items, 1):
        parent = item.path.rpartition("/")[0]
        if parent != folder:
            (dest / parent).mkdir()
            folder = parent
        with open(f"{dest}/{item.path}", "xb", buffering=0) as file:
            for block in item.blocks:
                written += _write_all(file.fileno(), block)
        if time.monotonic() - told > 1 or number == total:
            told = time.monotonic()
            print(f"{number:,} of {total:,} files, {written / MIB:,.0f} MiB", file=sys.stderr)
    return written


def _write_all(descriptor: int, data: bytes) -> int:
    """write(2) may write less than it was given."""
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])
    return done


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="corpus.generate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=("small", "mixed", "large"), required=True)
    parser.add_argument("--files", type=_positive, required=True, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other bytes (default 1)")
    parser.add_argument("--size", type=_positive, default=GIB, metavar="BYTES", help="of each file of the profile large (default 1 GiB)")
    parser.add_argument("dest", type=Path, metavar="DEST", help="absent or empty folder")
    given = parser.parse_args(arguments)
    if given.profile == "large":
        items = large(given.files, given.seed, given.size)
    else:
        items = {"small": small, "mixed": mixed}[given.profile](given.files, given.seed)
    try:
        write(items, given.dest, given.files)
    except FileExistsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}; what was written so far lies in {given.dest}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
