"""`strongroom keys`: the keys that sign seals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli.arguments import add_stores, typed
from strongroom.cli.common import add_json_option, print_json, print_lines
from strongroom.cli.passphrases import add_passphrase_options, use_passphrase
from strongroom.core.errors import UsageError
from strongroom.core.findings import printable
from strongroom.core.ids import BagId
from strongroom.usecases.context import Context

if TYPE_CHECKING:
    from strongroom.stores.interface import Store
    from strongroom.usecases.signatures.keys import KeyState, Published

_EXIT = """exit status: 0 done (stores that do not answer get it with the next run); 2 wrong usage, a wrong passphrase or none;
3 could not do it"""
_ABOUT = """Seals are signed in minisign's format: `minisign -V` checks them without this program. Private keys lie below
STRONGROOM_HOME/keys, encrypted by a passphrase, and nowhere else: keep a copy of that folder in a safe place. Public keys are brought to
every store."""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.description = _ABOUT
    parser.epilog = _EXIT
    verbs = parser.add_subparsers(dest="keys_verb", required=True, metavar="VERB")

    def verb(name: str, text: str, *, secret: bool = False) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text, epilog=_EXIT, formatter_class=argparse.RawDescriptionHelpFormatter)
        if secret:
            add_passphrase_options(made)
        add_json_option(made)
        return made

    new = verb("new", "make a key; the first signs from now on, a later one is a spare", secret=True)
    new.add_argument("--label", default="", help="your own word for it")
    listed = verb("list", "the keys that are trusted here, and those of a store")
    add_stores(listed, "show the keys that lie in this store, too")
    export = verb("export", "print a public key as a file that minisign reads")
    export.add_argument("key", nargs="?", metavar="KEY", help="its fingerprint (default: the key that signs)")
    add_stores(export, "a store in which the key lies")
    trust = verb("trust", "believe what a key signs; compare its fingerprint with its owner first")
    trust.add_argument("key", metavar="KEY", help="a public key file, its 56 characters, or with --store a fingerprint")
    add_stores(trust, "a store in which the key lies")
    trust.add_argument("--label", default="", help="your own word for it")
    rotate = verb("rotate", "sign with another key from now on; the old one names it as its successor", secret=True)
    rotate.add_argument("--to", metavar="KEY", help="a spare key (default: make a new one)")
    rotate.add_argument("--label", default="", help="your own word for the new key")
    revoke = verb("revoke", "say that a key was lost or stolen: nothing it signs from now on is believed", secret=True)
    revoke.add_argument("key", metavar="KEY", help="its fingerprint")
    revoke.add_argument("--by", metavar="KEY", help="the key that says so (default: the one that signs)")
    revoke.add_argument("--reason", default="", help="one line, for everybody to read")
    revoke.add_argument("--last", metavar="NAME/vN", action="append", type=typed(BagId.parse), default=[],
                        help="the last bag of a collection that is still believed (default: the last one known here)")


def run(args: argparse.Namespace) -> int:
    """Do it, print, and give the exit status."""
    if hasattr(args, "passphrase_fd"):
        use_passphrase(args)
    verbs = {"new": _new, "list": _list, "export": _export, "trust": _trust, "rotate": _rotate, "revoke": _revoke}
    document, lines = verbs[args.keys_verb](args, Context.from_environment())
    if args.json:
        print_json({"format": "strongroom-keys-report/1", "verb": args.keys_verb, "keys": [], "stores": [], "not_reached": [], **document})
    else:
        print_lines(lines)
    return 0


Said = tuple[dict[str, object], list[str]]


def _new(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415 -- keeps --help fast

    key, published = use.new_key(context, label=args.label)
    state = next(one for one in use.list_keys(context) if one.key == key)
    kept = f"private key: {context.home / 'keys' / (key.fingerprint.hex + '.key')}. Keep a copy of it and the passphrase in a safe place"
    lines = [f"fingerprint  {key.fingerprint}", f"public key   {key.text}", kept, "signs from now on" if state.signs else "a spare key"]
    return {"keys": [state.to_json()], **_stores(published)}, [*lines, *_said(published)]


def _list(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415

    states = use.list_keys(context, _open(args))
    return {"keys": [one.to_json() for one in states]}, list(_table(states)) or ["no key is trusted here, and none signs"]


def _export(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.signing import Keyring  # noqa: PLC0415
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415

    key = use.find_known(context, args.key, _open(args)) if args.key else Keyring(context.home).signing_key()
    if key is None:
        raise UsageError("no key signs here; name one, or make one with `strongroom keys new`")
    return {"keys": [one.to_json() for one in use.list_keys(context) if one.key == key]}, key.file().decode().splitlines()


def _trust(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415

    stores = _open(args)
    key = use.find_known(context, args.key, stores) if stores and not Path(args.key).exists() else use.read_public(args.key)
    fresh = use.trust_key(context, key, label=args.label)
    states = [one.to_json() for one in use.list_keys(context) if one.key == key]
    return {"keys": states}, [f"{'trusted' if fresh else 'was trusted already'}: {key.fingerprint}", f"minisign calls it {key.name}"]


def _rotate(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415

    old, new, published = use.rotate(context, to=args.to, label=args.label)
    states = [one.to_json() for one in use.list_keys(context) if one.key in (old, new)]
    lines = [f"signs from now on: {new.fingerprint}", f"named as its successor by {old.fingerprint}"]
    return {"keys": states, **_stores(published)}, [*lines, *_said(published)]


def _revoke(args: argparse.Namespace, context: Context) -> Said:
    from strongroom.usecases.signatures import keys as use  # noqa: PLC0415

    says, published = use.revoke(context, args.key, by=args.by, reason=args.reason, last=args.last)
    believed = ", ".join(str(one.bag) for one in says.seals) or "none"
    lines = [f"revoked: {says.key}", f"by {says.by}", f"bags that are still believed, with those before them: {believed}"]
    state = next(one for one in use.list_keys(context) if one.key.fingerprint == says.key)
    if state.signs:
        lines.append("no key signs now, and nothing is archived before `strongroom keys new` (or `archive --no-sign`)")
    states = [state.to_json()]
    return {"keys": states, **_stores(published)}, [*lines, *_said(published)]


def _open(args: argparse.Namespace) -> list[Store]:
    from strongroom.usecases.sealed.known import Address  # noqa: PLC0415
    from strongroom.usecases.sealed.places import open_address  # noqa: PLC0415

    return [open_address(Address(url)) for url in args.store]


def _stores(published: Published) -> dict[str, object]:
    return {"stores": published.stores, "not_reached": [{"url": url, "problem": why} for url, why in published.failed.items()]}


def _said(published: Published) -> Iterator[str]:
    for url, why in published.failed.items():
        print(printable(f"warning: {url}: not told yet: {why}. The next archive or replicate run does it"), file=sys.stderr)
    yield from (f"told {url}" for url in published.stores)


def _table(states: list[KeyState]) -> Iterator[str]:
    from strongroom.cli.table import table  # noqa: PLC0415

    if states:
        rows = [(one.key.fingerprint.hex, one.key.name, _stands(one), one.label) for one in states]
        yield from table(("FINGERPRINT", "MINISIGN", "STANDS", "LABEL"), rows)


def _stands(one: KeyState) -> str:
    words = (("revoked", one.revoked), ("signs", one.signs and not one.revoked), ("own", one.own),
             ("trusted" if one.trusted else "not trusted", not one.revoked), ("rotated", one.successor is not None))
    return ", ".join(word for word, so in words if so)
