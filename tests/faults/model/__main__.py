"""`python -m tests.faults.model [--large] [--planted]`: search every world, and show the shortest harm of each planted change."""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults.model.rules import PLANTED, Rules
from tests.faults.model.search import Outcome, search
from tests.faults.model.worlds import worlds


def shortest(rules: Rules) -> Outcome:
    """The shortest harm that breaking a rule does, in the first of the small worlds in which it does any."""
    outcomes = (search(world, rules) for world in worlds())
    return next((outcome for outcome in outcomes if outcome.harm is not None), Outcome(0, None))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.model", description=__doc__)
    parser.add_argument("--large", action="store_true", help="larger worlds: minutes, and some GB of memory")
    parser.add_argument("--planted", action="store_true", help="also break each rule and show what comes of it")
    options = parser.parse_args()
    failures = 0
    for world in worlds(large=options.large):
        start = time.perf_counter()
        outcome = search(world, Rules())
        failures += outcome.harm is not None
        print(f"{world.name}: {outcome} ({time.perf_counter() - start:.1f} s)", flush=True)
    for name, rules in PLANTED.items() if options.planted else ():
        outcome = shortest(rules)
        failures += outcome.harm is None
        print(f"\nplanted: {name}\n{outcome if outcome.harm else 'NOT CAUGHT'}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
