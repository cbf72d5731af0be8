"""Several faults at once, where one hides what would tell of another; each was found by `python -m tests.audit.faults`."""

import json
import re

import pytest

from strongroom.core.errors import InvalidValueError
from strongroom.core.seal import parse_seal
from tests.fixtures.seals import altered, summed


def change(vault, key, old, new):
    data = vault.objects.all()[key]
    assert old in data
    vault.objects.put(key, data.replace(old, new, 1))


def said(vault):
    return {one.key: one for one in vault.audit().stores[0].unsound}


def test_payload_paths_are_named_by_fetch_txt_where_the_manifest_is_gone(vault):
    (pack,) = vault.keys("packs/21", ".tar")
    manifest, = vault.keys("bags/maps/v1/", "/bag/manifest-sha256.txt")
    vault.objects.delete(pack)
    vault.objects.delete(manifest)
    unsound = said(vault)
    (dependent,) = unsound[pack].bags
    assert (dependent.bag, dependent.files) == ("maps/v1", 13)
    assert "data/f3/maps-3.bin" in dependent.paths


def test_a_bag_whose_lists_of_paths_are_all_gone_is_named_without_them(vault):
    (pack,) = vault.keys("packs/21", ".tar")
    before = vault.objects.all()[pack]
    vault.objects.put(pack, before[:100])
    for name in ("manifest-sha256.txt", "fetch.txt"):
        vault.objects.delete(vault.keys("bags/maps/v1/", f"/bag/{name}")[0])
    assert "maps/v1 may need more of it" in said(vault)[pack].reason


def test_a_damaged_seal_does_not_invent_an_attempt(vault):
    key = "bags/letters/v1/seal.json"
    attempt = re.search(rb'"attempt":"([0-9a-f]{32})"', vault.objects.all()[key])[1]
    other = attempt[:-1] + (b"0" if attempt[-1:] != b"0" else b"1")
    vault.objects.put(key, altered(vault.objects.all()[key], attempt=other.decode()))
    assert list(said(vault)) == [key]


def test_a_tag_manifest_in_other_letters_does_not_accuse_the_seal(vault):
    (key,) = vault.keys("bags/letters/v1/", "/bag/tagmanifest-sha256.txt")
    letter = re.search(rb"[a-f]", vault.objects.all()[key])[0]
    change(vault, key, letter, letter.upper())
    assert list(said(vault)) == [key]


def test_a_seal_with_an_impossible_tag_manifest_is_damaged(vault):
    key = "bags/letters/v1/seal.json"
    seal = json.loads(vault.objects.all()[key])
    seal["tag_manifests"]["tagmanifest-s`a512.txt"] = seal["tag_manifests"].pop("tagmanifest-sha512.txt")
    vault.objects.put(key, summed(seal))
    with pytest.raises(InvalidValueError, match="nothing but tag manifests"):
        parse_seal(vault.objects.all()[key], what=key)
    assert list(said(vault)) == [key]
