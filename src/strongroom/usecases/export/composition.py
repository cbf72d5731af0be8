"""Which files an exported bag has: those of the sealed bag, or those of a new bag that carries them (docs/format.md, section 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from strongroom.core.bag.conformity import is_structural
from strongroom.core.bag.manifest import manifest_name
from strongroom.core.bag.profile import IDENTIFIER, Profile
from strongroom.core.digests import HEX_LENGTH
from strongroom.usecases.export.description import Description
from strongroom.usecases.sealed.bag import SealedBag

#: Where a new bag keeps what proves the sealed one.
PROOF: Final = "metadata/strongroom/"
SEALED: Final = f"{PROOF}sealed/"
#: The list of payload files that were left out because they are withheld.
WITHHELD: Final = f"{PROOF}withheld.jsonl"
#: Preferred where the profile names no algorithm that the sealed bag has.
_PREFERENCE: Final = ("sha512", "sha256", "sha384", "sha224", "sha1", "md5")


@dataclass(frozen=True, slots=True)
class Composition:
    """What a new bag has. Paths are those in the bag."""

    info: tuple[tuple[str, str], ...]
    kept_manifests: tuple[str, ...]  # algorithms whose manifests are those of the sealed bag
    new_manifests: tuple[str, ...]  # algorithms whose manifests are made on the way
    tag_algorithms: tuple[str, ...]
    tag_files: tuple[str, ...]  # of the sealed bag that keep their place, other than manifests
    proof: tuple[str, ...]  # of the sealed bag that go below SEALED
    stated: dict[str, list[tuple[str, str]]]  # tag files that the collection manifest states
    generated: tuple[str, ...]  # ro-crate-metadata.json and the like
    left_out: tuple[str, ...]
    partial: bool  # some of the payload is withheld

    def all_tag_files(self, *, signed: bool) -> list[str]:
        """Every file of the bag outside data/."""
        seal = [f"{PROOF}export.json", f"{PROOF}seal.json"] + ([f"{PROOF}seal.minisig"] if signed else []) if self.proof else []
        seal += [WITHHELD] if self.proof and self.partial else []
        return [
            "bagit.txt", "bag-info.txt", *(f"manifest-{one}.txt" for one in (*self.kept_manifests, *self.new_manifests)),
            *(f"tagmanifest-{one}.txt" for one in self.tag_algorithms), *self.tag_files, *(SEALED + one for one in self.proof), *seal,
            *self.stated, *self.generated,
        ]


def compose(
    bag: SealedBag, described: Description, profile: Profile | None, generated: tuple[str, ...], *, partial: bool = False
) -> Composition:
    """The new bag for `bag`; `partial`: without some of its payload, so that no manifest of it can stay.

    Where the profile asks for something that cannot be, the conformity rules will say so."""
    sealed = [kind[1] for path in bag.tag_files if (kind := manifest_name(path)) is not None and not kind[0]]
    payload = _algorithms(sealed, profile.manifests_required if profile else (), profile.manifests_allowed if profile else None)
    required = profile.tag_manifests_required if profile else ()
    tags = _algorithms(list(payload), required, profile.tag_manifests_allowed if profile else None)
    keeps_fetch = profile is not None and profile.fetch_required
    stays: list[str] = []
    proof: list[str] = []
    left_out: list[str] = []
    allowed = profile.allows_tag_file if profile else lambda _: True
    proves = allowed(f"{SEALED}bag-info.txt") and allowed(f"{PROOF}seal.json")
    for path in sorted(bag.tag_files, key=str.encode):
        kind = manifest_name(path)
        kept = kind is not None and not kind[0] and kind[1] in payload and not partial
        if path == "bagit.txt" or kept:
            continue
        if path == "fetch.txt" and keeps_fetch and not partial:
            stays.append(path)
        elif is_structural(path):
            (proof if proves else left_out).append(path)
        elif allowed(path):
            stays.append(path)
        else:
            left_out.append(path)
    if not proves:
        left_out.append(f"{PROOF}seal.json")
    elif left_out:  # what may not stand at its own place may stand with the proof, where that is allowed
        proof += [path for path in left_out if allowed(SEALED + path)]
        left_out = [path for path in left_out if not allowed(SEALED + path)]
    return Composition(
        info=tuple(_info(described, profile)), kept_manifests=tuple(one for one in payload if one in sealed and not partial),
        new_manifests=tuple(one for one in payload if one not in sealed or partial), tag_algorithms=tags, tag_files=tuple(stays),
        proof=tuple(sorted(proof, key=str.encode)), stated=_stated(described, profile), generated=generated,
        left_out=tuple(left_out), partial=partial,
    )


def _stated(described: Description, profile: Profile | None) -> dict[str, list[tuple[str, str]]]:
    """The tag files that the manifest states, for this profile: it may state others for other profiles."""
    if profile is None:
        return {}
    return {path: pairs for path, pairs in described.export_tag_files().items() if profile.allows_tag_file(path)}


def _algorithms(sealed: list[str], required: tuple[str, ...], allowed: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those that are required, and those of the sealed bag that are allowed; one in any case. The rules say which are unknown."""
    known = {name: found for name in (*required, *(allowed or ())) if (found := _ours(name)) is not None}
    may = None if allowed is None else {known[name] for name in allowed if name in known}
    chosen = [one for one in sealed if may is None or one in may]
    chosen += [known[name] for name in required if name in known and known[name] not in chosen]
    if not chosen:
        chosen = [next((one for one in _PREFERENCE if may is None or one in may), "sha256")]
    return tuple(sorted(chosen, key=lambda one: (one != "sha256", one)))


def _ours(name: str) -> str | None:
    found = manifest_name(f"manifest-{name}.txt")
    return found[1] if found is not None and found[1] in HEX_LENGTH else None


def _info(described: Description, profile: Profile | None) -> list[tuple[str, str]]:
    """The elements, spelled as the profile spells them, and those that may not be repeated only once: the first of them."""
    rules = {rule.label.lower(): rule for rule in profile.tags} if profile else {}
    pairs: list[tuple[str, str]] = [(IDENTIFIER, profile.identifier)] if profile else []
    seen: set[str] = set()
    for label, value in described.bag_info():
        rule = rules.get(label.lower())
        if label.lower() == IDENTIFIER.lower() or (rule is not None and not rule.repeatable and label.lower() in seen):
            continue
        seen.add(label.lower())
        pairs.append((rule.label if rule else label, value))
    return pairs
