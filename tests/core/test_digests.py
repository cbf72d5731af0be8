"""A digest that bags may have is known wherever digests are named."""

from strongroom.collections.schemas import load_schema
from strongroom.core.digests import HEX_LENGTH, new_hash
from strongroom.stores import recover


def test_every_digest_can_be_asked_for_made_and_recovered() -> None:
    assert sorted(load_schema("collection")["properties"]["fixity"]["items"]["enum"]) == sorted(HEX_LENGTH)
    for name, length in HEX_LENGTH.items():
        ours, standing_alone = new_hash(name), recover.hashlib.new(recover.HASHES.get(name, name))
        assert len(ours.hexdigest()) == length and ours.hexdigest() == standing_alone.hexdigest()
