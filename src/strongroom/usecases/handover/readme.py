"""README.txt of a handover: what the receiver checks, with sha256sum, tar and minisign alone."""

from __future__ import annotations

from typing import Final

from strongroom.core.plural import plural

_TEXT: Final = """\
A handover of {bags}. A bag is a collection as it was archived once.
{handover}, {made}

WHAT LIES HERE

  bags/           every bag, complete, as BagIt 1.0 (RFC 8493): NAME-vN is version N of the collection NAME
  seals/          the seal of each bag: a small JSON document whose SHA-256 is the bag's identity. It names the tag manifests of the
                  bag, these name its tag files, and the manifests name every file. seal.minisig beside it is a signature over it
  events/         what was done with the bags (PREMIS events), a JSON object a line
  keys/           public keys: minisign's
  inventory.json  everything here with its SHA-256; inventory.txt is the same to read
  receipt.json    to be filled in, signed and sent back

CHECK THAT NOTHING WAS ALTERED ON THE WAY

  sha256sum -c SHA256SUMS

{signature}
CHECK A BAG

  {unpack} bags/{file}
  cd {folder}
  sha256sum -c manifest-sha256.txt            every file of the payload
  sha256sum -c tagmanifest-sha256.txt         every document about it
  sha256sum tagmanifest-sha256.txt            the same digest stands in seals/NAME/vN/seal.json, under tag_manifests

In manifests %25, %0A and %0D stand for a percent sign and line breaks in names (RFC 8493, 2.1.3); sha256sum does not know that, any
BagIt 1.0 validator does. A bag that came whole needs nothing but this folder: fetch.txt in it names no place to fetch from.

SEND BACK THE RECEIPT

Fill in receipt.json: received_by (who you are), received (the date), and for each bag the outcome: received, damaged, missing or
refused. Change nothing else. Sign it if you can, and send back both files:

  minisign -Sm receipt.json                   makes receipt.json.minisig
"""
_SIGNED: Final = """\
CHECK WHO SENT IT

  minisign -Vm inventory.json -P {key}

Ask the sender by another way, the telephone or a web page of theirs, whether this is their key: whoever forges a package forges this
page as well. The other documents are named in inventory.json with their digests.
"""
_UNSIGNED: Final = """\
WHO SENT IT

inventory.json is not signed. Ask the sender by another way, the telephone or a web page of theirs, for its SHA-256.
"""


def readme(handover: str, made: str, count: int, form: str, example: str, key: str | None) -> str:
    """The text; `example` is the name of one bag, NAME-vN, `key` the public key as minisign -P takes it."""
    return _TEXT.format(
        bags=plural(count, "bag"), handover=handover, made=made,
        unpack={"tar": "tar xf", "zip": "unzip"}[form], file=f"{example}.{form}", folder=example,
        signature=_SIGNED.format(key=key) if key else _UNSIGNED,
    )
