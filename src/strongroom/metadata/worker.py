"""The process that checks records: `python -m strongroom.metadata.worker`.

A process, because a supplied schema can ask for anything: `^(a+)+$` needs 47 seconds for 28 characters, in C code that
threads cannot interrupt and no inspection of patterns recognises reliably. A process can be killed.

Lines of JSON. In: the schema, then batches (lists of records). Out: what is wrong with the schema (a list), then for each
record one line, a list of [path, expected, found]; for null, where a record could not be read, []. A batch is read whole
before it is answered, so that nobody waits in a ring.
"""

from __future__ import annotations

import json
import signal
import sys
from itertools import islice
from typing import Any, Final

from referencing.exceptions import Unresolvable

from strongroom.collections.explain import explain
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.metadata.record_schema import registry, schema_problems

#: Problems of one record that are told.
_MAX_PROBLEMS: Final = 100


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one; its end closes our input
    schema = json.loads(sys.stdin.buffer.readline())
    try:
        problems = schema_problems(schema)
    except RecursionError:
        problems = ["/: expected a schema that ends, found one that refers to itself"]
    _answer(problems)
    validator = Draft202012Validator(schema, registry=registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    while line := sys.stdin.buffer.readline():
        for record in json.loads(line):
            _answer([] if record is None else _check(validator, schema, record))


def _check(validator: Draft202012Validator, schema: dict[str, Any], record: Any) -> list[tuple[list[str | int], str, str]]:
    try:
        problems = list(islice(explain(validator.iter_errors(record), schema), _MAX_PROBLEMS))
    except RecursionError:
        return [([], "a record and schema that can be checked", "nesting too deep")]
    except Unresolvable as error:
        return [([], "a schema whose references lead somewhere", str(error)[:200])]
    problems.sort(key=lambda problem: problem.pointer)
    return [(list(problem.path), problem.expected, problem.found) for problem in problems]


def _answer(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
