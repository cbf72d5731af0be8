"""What is said before an export writes anything: what the profile, the form and the access rules find."""

from __future__ import annotations

from collections.abc import Container

from strongroom.core.bag.conformity import Facts, check
from strongroom.core.bag.profile import Profile
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding
from strongroom.usecases.export.composition import Composition
from strongroom.usecases.export.description import Description
from strongroom.usecases.export.sink import name_trouble
from strongroom.usecases.sealed.bag import SealedBag


def say_unknown(profile: Profile) -> list[Finding]:
    """Members of a profile that nobody can check, since the specification does not define them."""
    what = "is no member that BagIt Profiles 1.4.0 defines; it was not looked at"
    return [Finding(Code.BAG_PROFILE_UNKNOWN, f"profile {profile.identifier}", f"{name} {what}") for name in profile.unknown]


def judge_profile(
    bag: SealedBag, profile: Profile, composed: Composition, described: Description, form: str, without: Container[Digest], *,
    signed: bool,
) -> None:
    """A finding of the bag for each rule that the new bag would break, with where to add what is missing."""
    facts = Facts(
        version="1.0", info=composed.info, manifests=frozenset((*composed.kept_manifests, *composed.new_manifests)),
        tag_manifests=frozenset(composed.tag_algorithms), tag_files=composed.all_tag_files(signed=signed),
        payload=lambda: (entry.path for entry in bag.manifest() if entry.digest not in without), payload_files=bag.seal.payload_files,
        payload_bytes=bag.seal.payload_bytes, serialization="folder" if form == "dir" else form,
    )
    where = described.file or f"manifests/{bag.id.name}.yaml"
    for broken in check(profile, facts):
        remedy = ""
        if broken.label:
            remedy = f"; state it in {where}: {described.where(broken.label)}"
        elif broken.rule in ("Serialization", "Accept-Serialization"):
            remedy = "; choose another form with --as"
        elif broken.rule == "Tag-Files-Required":
            remedy = f"; state its elements in {where}: `export:`, `tag_files:`, `{broken.place}:`"
        bag.collector.add(Finding(Code.BAG_PROFILE, f"{bag.id}: {broken.place}", f"{broken.message} ({broken.rule}){remedy}"))
    bag.collector.extend(say_unknown(profile))
    for path in composed.left_out:
        proof = ", and with it goes part of the proof of who sealed what" if path.startswith("metadata/strongroom/") else ""
        what = f"is left out: the profile does not allow this tag file{proof}"
        bag.collector.add(Finding(Code.EXPORT_LEFT_OUT, f"{bag.id}: {path}", what))


def judge_names(bag: SealedBag, form: str) -> None:
    """A finding for each payload file whose name the form cannot hold."""
    if form != "zip":
        return
    for entry in bag.manifest():
        if (trouble := name_trouble(form, entry.path)) is not None:
            bag.collector.add(Finding(Code.EXPORT_REFUSED, f"{bag.id}: {entry.path}", trouble))


def judge_access(bag: SealedBag, described: Description) -> None:
    """A warning if the material is not open: whoever exports it should know what leaves the house."""
    access = described.access
    level, until = access.get("level", "open"), access.get("embargo_until")
    if level != "open" or until:
        said = [f"access is {level}"] if level != "open" else []
        said += [f"embargoed until {until}"] if until else []
        said += [access["reason"]] if access.get("reason") else []
        what = f"{'; '.join(said)}: see to it that whoever gets this may have it"
        bag.collector.add(Finding(Code.EXPORT_RESTRICTED, str(bag.id), what))
