"""The work that is measured, and what must show: a row for each line of the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.contestants import FAST, FAST_512, ZSTD, Borg, Contestant, Ours, Restic, bagit, floor, hashdeep, rclone
from tests.bench.place import Bench

HASHLIB = "strongroom, hashlib alone"


@dataclass(frozen=True)
class Bar:
    """Our median must be at most `factor` times that of `peer`, plus `plus`. Without a peer: at most `plus`, in the unit of `what`."""

    peer: str
    factor: float = 1.0
    plus: float = 0.0
    what: str = "wall"  # seconds; "cpu": seconds; "stored": bytes


@dataclass(frozen=True)
class Row:
    id: str
    work: str
    bars: tuple[Bar, ...]
    contestants: Callable[[Bench], list[Contestant]]
    corpus: str = ""
    s3: bool = False
    prefect: bool = False


def _archive(corpus: str, *peers: str, bars: tuple[Bar, ...]) -> Row:
    def contestants(bench: Bench) -> list[Contestant]:
        place = bench.corpus(corpus)
        made = {
            "restic": lambda: Restic(bench, f"restic-{corpus}", place).backup(),
            "borg": lambda: Borg(bench, f"borg-{corpus}", place).create(),
            "floor: copy": lambda: floor(bench, f"floor-{corpus}", place, "copy"),
        }
        return [Ours(bench, f"ours-{corpus}", place).archive(), *(made[peer]() for peer in peers)]

    return Row(f"archive-{corpus}", f"first archive, {corpus} corpus, sha256", bars, contestants, corpus)


def _audit(corpus: str, *peers: str, bars: tuple[Bar, ...]) -> Row:
    def contestants(bench: Bench) -> list[Contestant]:
        place = bench.corpus(corpus)
        made = {
            "restic": lambda: Restic(bench, f"restic-{corpus}", place).check(),
            "borg": lambda: Borg(bench, f"borg-{corpus}", place).check(),
            "floor: hash": lambda: floor(bench, f"floor-{corpus}", place, "hash"),
            "hashdeep": lambda: hashdeep(bench, f"hashdeep-{corpus}", place),
        }
        return [Ours(bench, f"ours-{corpus}", place).audit(), *(made[peer]() for peer in peers)]

    return Row(f"audit-{corpus}", f"full audit, {corpus} corpus", bars, contestants, corpus)


def _s3(corpus: str, bars: tuple[Bar, ...]) -> Row:
    def contestants(bench: Bench) -> list[Contestant]:
        place = bench.corpus(corpus)
        made = {"restic": lambda: Restic(bench, "restic-s3", place, s3=True).backup(), "rclone": lambda: rclone(bench, "rclone", place)}
        return [Ours(bench, "ours-s3", place, s3=True).archive(), *(made[bar.peer]() for bar in bars)]

    return Row(f"s3-{corpus}", f"archive to S3, {corpus} corpus", bars, contestants, corpus, s3=True)


def _prefect(corpus: str, files: str) -> Row:
    def contestants(bench: Bench) -> list[Contestant]:
        place = bench.corpus(corpus)
        return [Ours(bench, "ours-prefect", place, prefect=True).archive(), Ours(bench, "ours-local", place).archive("local runner")]

    work = f"the same flow through a running Prefect server, {files} files"
    return Row(f"prefect-{files.replace(' ', '')}", work, (Bar("local runner", 1.1, 4.0),), contestants, corpus, prefect=True)


def _small(id: str, work: str, bars: tuple[Bar, ...], make: Callable[[Bench], list[Contestant]]) -> Row:
    return Row(id, f"{work}, small corpus", bars, make, "small")


ROWS: tuple[Row, ...] = (
    _archive("small", "restic", "borg", "floor: copy", bars=(Bar("restic", 0.7), Bar("unique bytes", 1.1, what="stored"))),
    _small("archive-small-sha512", "first archive, sha256 + sha512", (Bar("bagit-python", 0.6),), lambda bench: [
        Ours(bench, "ours-small-512", bench.corpus("small"), FAST_512).archive(),
        Ours(bench, "ours-small-512-hashlib", bench.corpus("small"), FAST_512, accelerated=False).archive(HASHLIB),
        bagit(bench, "bagit-small", bench.corpus("small"), "sha256", "sha512")]),
    _small("archive-small-zstd", "first archive, zstd", (Bar("restic", 1.05, what="stored"),), lambda bench: [
        Ours(bench, "ours-small-zstd", bench.corpus("small"), ZSTD).archive(),
        Restic(bench, "restic-small", bench.corpus("small")).backup()]),
    _small("unchanged-small", "unchanged run", (Bar("restic", 0.8),), lambda bench: [
        Ours(bench, "ours-small", bench.corpus("small")).again(), Restic(bench, "restic-small", bench.corpus("small")).again()]),
    _audit("small", "restic", "borg", "hashdeep", "floor: hash", bars=(Bar("restic", 0.5),)),
    _small("restore-small", "restore", (Bar("restic", 0.9),), lambda bench: [
        Ours(bench, "ours-small", bench.corpus("small")).restore(),
        Ours(bench, "ours-small-hashlib", bench.corpus("small"), accelerated=False).restore(HASHLIB),
        Restic(bench, "restic-small", bench.corpus("small")).restore()]),
    _archive("mixed", "restic", "borg", "floor: copy", bars=(Bar("restic", 0.7), Bar("borg", 1.0))),
    _archive("large", "restic", "borg", "floor: copy", bars=(Bar("restic", 0.7), Bar("borg", 1.0), Bar("floor: copy", 1.25))),
    _audit("mixed", "borg", "floor: hash", bars=(Bar("borg", 1.0),)),
    _audit("large", "borg", "floor: hash", bars=(Bar("borg", 1.0), Bar("floor: hash", 1.15))),
    _s3("small", (Bar("rclone", 0.1), Bar("restic", 0.8))),
    _s3("mixed", (Bar("restic", 0.8),)),
    _s3("large", (Bar("rclone", 1.2),)),
    _prefect("small-10k", "10 k"),
    _prefect("small", "100 k"),
    _small("defaults-small", "the defaults as a newcomer gets them", (Bar("", plus=30.0),), lambda bench: [
        Ours(bench, "ours-defaults", bench.corpus("small"), "").archive()]),
    Row("workers-mixed", "two worker processes beside one, the defaults, mixed corpus", (Bar("one worker", 0.59),), lambda bench: [
        Ours(bench, "ours-two", bench.corpus("mixed"), "", workers=2).archive(),
        Ours(bench, "ours-one", bench.corpus("mixed"), "", workers=1).archive("one worker")], "mixed"),
    Row("start-help", "strongroom --help", (Bar("", plus=0.3),), lambda bench: [
        Ours(bench, "ours-start", bench.corpus("small-10k")).verb("--help")], "small-10k"),
    Row("start-list", "strongroom list, CPU seconds", (Bar("", plus=0.5, what="cpu"),), lambda bench: [
        Ours(bench, "ours-start", bench.corpus("small-10k"), FAST).verb("list")], "small-10k"),
)
