"""Whether the calls of one run to one store are a path of the model: an attempt's steps in their order, and nothing else."""

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
