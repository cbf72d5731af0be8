"""Runs in the judges' environment: validate the RO-Crate in a folder, without a network.

    python crate.py FOLDER

The one thing the validator and the JSON-LD parser ask for is the context; they get that of the package rocrate (1.3's, which holds all
terms of 1.2). Anything else that is asked for is an error. Prints the issues of required severity as JSON.
"""

import json
import sys
from pathlib import Path

import rocrate
from rdflib.plugins.shared.jsonld import context as jsonld
from rocrate_validator import services
from rocrate_validator.utils import http

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
TEXT = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text(encoding="utf-8")


class Answer:
    """What the validator wants of a response."""

    status_code, ok, text, content, url = 200, True, TEXT, TEXT.encode(), CONTEXT
    from_cache = True

    def __init__(self):
        self.headers = {"Content-Type": "application/ld+json"}

    def json(self):
        return json.loads(TEXT)

    def raise_for_status(self):
        pass


def answer(self, url, *args, **kwargs):
    if url != CONTEXT:
        raise OSError(f"the network was asked for {url}")
    return Answer()


http.HttpRequester.get = answer
parse = jsonld.source_to_json
jsonld.source_to_json = lambda source, *rest, **more: (json.loads(TEXT), None) if source == CONTEXT else parse(source, *rest, **more)
settings = {
    "rocrate_uri": sys.argv[1], "profile_identifier": "ro-crate-1.2", "requirement_severity": "REQUIRED", "skip_availability_check": True,
}
result = services.validate(settings)
print(json.dumps([[issue.check.identifier, issue.message, str(issue.violatingEntity)] for issue in result.get_issues()]))
