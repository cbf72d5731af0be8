"""Whether the calls of one run to one store are a path of the model: the steps of an attempt or a sweep, in order, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from tests.faults.model.recording import Call
from tests.faults.model.rules import ATTEMPT

_STEPS: Final = (
    ("open", re.compile(r"bags/[^/]+/v\d+/[0-9a-f]{32}/open\Z")),
    ("content", re.compile(r"(content|packs)/")),
    ("tag manifests", re.compile(r"bags/[^/]+/v\d+/[0-9a-f]{32}/bag/tagmanifest-[^/]+\Z")),
    ("tags", re.compile(r"bags/[^/]+/v\d+/[0-9a-f]{32}/bag/")),
    ("placement", re.compile(r"bags/[^/]+/v\d+/placement\.jsonl")),
    ("signature", re.compile(r"bags/[^/]+/v\d+/[0-9a-f]{32}/seal\.minisig\Z")),
    ("seal", re.compile(r"bags/[^/]+/v\d+/seal\.json")),
    ("closed", re.compile(r"bags/[^/]+/v\d+/[0-9a-f]{32}/closed\Z")),
    ("log", re.compile(r"log/")),
)
_SWEEP_STEPS: Final = (
    ("begun", re.compile(r"sweep/\d{12}/begun\.json\Z")),
    ("seen", re.compile(r"sweep/\d{12}/seen-\d{4}\.jsonl\Z")),
    ("keys", re.compile(r"sweep/\d{12}/keys-\d{4}\.jsonl\Z")),
    ("record", re.compile(r"sweep/\d{12}/record\.json\Z")),
    ("waits", re.compile(r"sweep/\d{12}/waits\.json\Z")),
    ("anew", re.compile(r"(content|packs)/")),
    ("placement", re.compile(r"bags/[^/]+/v\d+/placement\.jsonl")),
    ("delete", re.compile(r"delete ")),
    ("log", re.compile(r"log/")),
    ("kept", re.compile(r"sweep/\d{12}/kept-\d{4}\.jsonl\Z")),
    ("done", re.compile(r"sweep/\d{12}/done\.json\Z")),
)
#: A sweep that condemned: what it writes and removes, in order.
SWEEP: Final = tuple(name for name, _ in _SWEEP_STEPS)
#: The model's steps, with those that it takes as one written out.
_PARTS: Final = {"sweep": (), "tags": ("tags", "tag manifests", "placement", "signature")}
ORDER: Final = (*(part for step in ATTEMPT for part in _PARTS.get(step, (step,))), "log")


def step(key: str) -> str:
    """What the model calls writing this key."""
    return next((name for name, pattern in _STEPS if pattern.match(key)), f"no step of the model: {key}")


def complaints(calls: Sequence[Call], relied: Iterable[str], *, replica: bool = False) -> list[str]:
    """What is wrong with the calls of a run that made one bag. `relied`: keys of the packs and contents the bag leans on in this store.

    `replica`: batches of the log are copied unchanged, whenever.
    """
    wrong = [f"{call.name} {call.key}" for call in calls if call.name == "delete"]
    written = [call.key for call in calls if call.name == "put"]
    wrong += [f"{key} was written twice" for key in set(written) if written.count(key) > 1]
    steps = [step(key) for key in written]
    wrong += [one for one in steps if one not in ORDER and one != "closed"]
    places = [ORDER.index(one) for one in steps if one in ORDER and not (replica and one == "log")]
    wrong += [f"{ORDER[late]} after {ORDER[early]}" for early, late in pairwise(places) if late < early]
    marks = [at for at, call in enumerate(calls) if step(call.key) == "open" and call.name in ("put", "exists")]
    opened = marks[0] if marks else len(calls)
    sealed = next((at for at, call in enumerate(calls) if call.name in ("put", "exists") and step(call.key) == "seal"), len(calls))
    if steps.count("seal") != 1:
        wrong.append(f"{steps.count('seal')} seals")
    between = calls[opened:sealed]
    looked = {call.key for call in between if call.name in ("put", "exists", "head", "get")}
    wrong += [f"{key} is relied upon, and was neither written nor looked at between open and seal" for key in relied if key not in looked]
    if not any(call.name == "list" and call.key == "sweep/" for call in between):
        wrong.append("sweep/ was not read after open")
    return wrong


def sweep_complaints(calls: Sequence[Call], named: frozenset[str]) -> list[str]:
    """What is wrong with the calls of a run that condemned and deleted by one record. `named`: the keys that records of the store name."""
    steps = [(at, sweep_step(call), call.key) for at, call in enumerate(calls) if call.name in ("put", "delete")]
    wrong = [f"no step of the model: {key}" for _, name, key in steps if name not in SWEEP]
    places = [SWEEP.index(name) for _, name, _ in steps if name in SWEEP]
    wrong += [f"{SWEEP[late]} after {SWEEP[early]}" for early, late in pairwise(places) if late < early]
    deletes = [(at, key) for at, name, key in steps if name == "delete"]
    wrong += [f"{key} was deleted, and no record names it" for _, key in deletes if key not in named]
    wrong += [f"{key} was written, and a record names it" for _, name, key in steps if name == "anew" and key in named]
    first = min((at for at, _ in deletes), default=len(calls))
    at = {name: place for place, name, _ in reversed(steps)}
    missing = [name for name in ("begun", "keys", "record", "waits", "done") if name not in at]
    if missing:
        return [*wrong, f"no {', '.join(missing)}"]
    if not _lists(calls[at["record"] : at["waits"]], "bags/"):
        wrong.append("open attempts were not listed between record and waits")
    between = calls[at["waits"] : first]
    wrong += [f"{what} was not read between waits and the deletions" for what in ("", "bags/", "sweep/") if not _lists(between, what)]
    for place, name, key in steps:
        if name == "anew" and ".jsonl" not in key and not any(call.name == "get" and call.key == key for call in calls[place:first]):
            wrong.append(f"{key} was stored anew, and not read back before the deletions")
    return wrong


def sweep_step(call: Call) -> str:
    text = f"delete {call.key}" if call.name == "delete" else call.key
    return next((name for name, pattern in _SWEEP_STEPS if pattern.match(text)), "")


def _lists(calls: Sequence[Call], prefix: str) -> bool:
    return any(call.name == "list" and call.key == prefix for call in calls)
