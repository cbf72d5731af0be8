"""`strongroom store`: make a place a store, or find out what it can do."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from strongroom.core.findings import printable
from strongroom.signing import Keyring
from strongroom.stores.describe import init_store, open_known_store, probe_place
from strongroom.stores.interface import Capabilities
from strongroom.stores.open import StoreOptions, parse_url
from strongroom.usecases.context import Context
from strongroom.usecases.signatures.store_keys import publish_keys

_EXIT = """exit status: 0 done (also where the store was there already); 2 wrong usage (a bad URL, other things lie there);
3 could not do it (place not reachable, not writable, or not fit for a store)"""


def register(parser: argparse.ArgumentParser) -> None:
    """What the verb is and takes."""
    parser.epilog = _EXIT
    verbs = parser.add_subparsers(dest="store_verb", required=True, metavar="VERB")
    for name, text in (
        ("init", "probe a folder or bucket prefix and make it a store; says the id of a store that is there already"),
        ("probe", "try out what a place can do, with small objects below probe/ that are removed afterwards"),
    ):
        verb = verbs.add_parser(name, help=text, description=text, epilog=_EXIT, formatter_class=argparse.RawDescriptionHelpFormatter)
        verb.add_argument("url", metavar="URL", help="a folder, file:///FOLDER or s3://BUCKET/PREFIX")
        verb.add_argument("--json", action="store_true", help="print one JSON document (schemas/store-init-report.schema.json)")
        verb.add_argument("--endpoint-url", metavar="URL", help="of an S3 server that is not AWS (default: AWS_ENDPOINT_URL)")
        verb.add_argument("--region", help="of the bucket (default: AWS_REGION or the profile's)")


def run(args: argparse.Namespace) -> int:
    options = StoreOptions(endpoint_url=args.endpoint_url, region=args.region)
    if args.store_verb == "probe":
        url = parse_url(args.url).url
        probed = {"url": url, "capabilities": _capabilities(probe_place(url, options))}
        _print(probed, args.json, f"{url} was probed")
        return 0
    made = init_store(args.url, options)
    publish_keys(open_known_store(made.url, made.id, options), Keyring(Context.from_environment().home))
    report: dict[str, Any] = {
        "url": made.url, "store": made.id, "created": made.created, "features": list(made.description.features),
        "capabilities": _capabilities(made.capabilities),
    }
    _print(report, args.json, f"{made.url}: " + ("made a store" if made.created else "a store is there already") + f", id {made.id}")
    return 0


def _capabilities(found: Capabilities) -> dict[str, Any]:
    return {
        "create_only": found.create_only, "checks_sha256": found.checks_sha256, "ranges": found.ranges,
        "max_object": found.max_object, "late_naming": found.late_naming, "notes": list(found.notes),
    }


def _print(report: dict[str, Any], as_json: bool, headline: str) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False, sort_keys=True))
        return
    print(printable(headline))
    for note in report["capabilities"]["notes"]:
        print(printable(f"note: {note}"), file=sys.stderr)
