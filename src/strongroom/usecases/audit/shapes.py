"""Whether bytes of which no digest is known are at least what their key says: the grammar of each kind of object."""

from __future__ import annotations

from typing import Final

from strongroom.core import canonical
from strongroom.core.batch import parse_batch
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, UnknownFeatureError
from strongroom.core.keys import StoreKey
from strongroom.core.pack import INDEX_LIMIT, format_index, parse_index
from strongroom.core.placement import parse_place
from strongroom.core.seal import parse_seal
from strongroom.core.tombstone import BAGS_LIMIT
from strongroom.usecases.audit.documents import parse_document
from strongroom.usecases.audit.kinds import Kind, Named

#: Objects of these kinds are small enough to be looked at as a whole, up to so many bytes.
SHAPED: Final = {
    Kind.DESCRIPTION: 1 << 20, Kind.README: 1 << 20, Kind.SEAL: 16 << 20, Kind.PLACEMENT: 64 << 20, Kind.MARK: 1 << 20,
    Kind.PIECES: 64 << 20, Kind.INDEX: INDEX_LIMIT, Kind.LOG: 64 << 20, Kind.CHECKS: 64 << 20,
    Kind.SIGNATURE: 1 << 16, Kind.KEY: 64 << 20, Kind.TOMBSTONE: BAGS_LIMIT,
}


def wrong_shape(name: Named, data: bytes, store_id: str) -> str | None:
    """What is wrong with the bytes at a key of this kind, or None."""
    try:
        return _CHECKS[name.kind](name, data, store_id)
    except (InvalidValueError, UnknownFeatureError) as error:
        return str(error)
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        return f"lacks a member or has one of a wrong type ({type(error).__name__}: {error})"


def _description(name: Named, data: bytes, store_id: str) -> str | None:
    from strongroom.stores.describe import parse_description  # noqa: PLC0415 -- rare in a worker, and dear to start with

    says = parse_description(data)
    return f"describes the store {says.id}, not {store_id}" if says.id != store_id else _not_canonical(data)


def _readme(name: Named, data: bytes, store_id: str) -> str | None:
    from strongroom.stores.describe import text_for_people  # noqa: PLC0415

    expected = text_for_people(StoreKey(name.base))
    return None if data == expected else "is not the text that is written into stores; people will run the commands in it"


def _seal(name: Named, data: bytes, store_id: str) -> str | None:
    seal = parse_seal(data, what=name.base)
    return f"seals {seal.bag}, not {name.bag}" if str(seal.bag) != name.bag else _not_canonical(data)


def _placement(name: Named, data: bytes, store_id: str) -> str | None:
    lines = data.splitlines(keepends=True)
    for line in lines:
        value = canonical.loads(line, what="a line")
        if len(value) != 1 or canonical.dumps(value) != line:
            return f"has a line that is none: {line[:120]!r}"
        parse_place(value)
    return None if lines == sorted(lines) else "is not sorted"


def _mark(name: Named, data: bytes, store_id: str) -> str | None:
    value = canonical.loads(data, what=name.base)
    if value["format"] != "strongroom-attempt/1":
        return f"has the format {value['format']!r}"
    if name.base.endswith("/open") and (value["bag"], value["attempt"]) != (name.bag, name.attempt):
        return f"speaks of the attempt {value['attempt']} at {value['bag']}"
    return _not_canonical(data)


def _pieces(name: Named, data: bytes, store_id: str) -> str | None:
    value = canonical.loads(data, what=name.base)
    count = -(-value["length"] // value["piece"])
    if len(value["sha256"]) != count or not all(Digest(text) for text in value["sha256"]):
        return f"names {len(value['sha256'])} pieces where there are {count}"
    return _not_canonical(data)


def _index(name: Named, data: bytes, store_id: str) -> str | None:
    return None if format_index(parse_index(data)) == data else "is not written as indexes are"


def _log(name: Named, data: bytes, store_id: str) -> str | None:
    parse_batch(data, StoreKey(name.base))
    return None


def _checks(name: Named, data: bytes, store_id: str) -> str | None:
    parse_document(data, name.base, store_id)
    return _not_canonical(data)


def _signature(name: Named, data: bytes, store_id: str) -> str | None:
    from strongroom.signing import Signature  # noqa: PLC0415

    Signature.parse(data, what=name.base)
    return None


def _tombstone(name: Named, data: bytes, store_id: str) -> str | None:
    from strongroom.usecases.withheld.stones import check_tombstone_object  # noqa: PLC0415

    check_tombstone_object(StoreKey(name.base), data)
    return None if name.base.endswith(".minisig") else _not_canonical(data)


def _key(name: Named, data: bytes, store_id: str) -> str | None:
    from strongroom.usecases.signatures.store_keys import check_key_object  # noqa: PLC0415

    check_key_object(name.base, data)
    return _not_canonical(data) if name.base.endswith(".json") else None


def _not_canonical(data: bytes) -> str | None:
    return None if canonical.dumps(canonical.loads(data, what="it")) == data else "is not written as such documents are (canonical JSON)"


_CHECKS: Final = {
    Kind.DESCRIPTION: _description, Kind.README: _readme, Kind.SEAL: _seal, Kind.PLACEMENT: _placement, Kind.MARK: _mark,
    Kind.PIECES: _pieces, Kind.INDEX: _index, Kind.LOG: _log, Kind.CHECKS: _checks,
    Kind.SIGNATURE: _signature, Kind.KEY: _key, Kind.TOMBSTONE: _tombstone,
}
