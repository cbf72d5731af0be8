"""The order of writing loses nothing, whoever acts when and dies where; and every rule of it is needed."""

from __future__ import annotations

import pytest

from tests.faults.model.__main__ import shortest
from tests.faults.model.rules import PLANTED, Rules
from tests.faults.model.search import World, search
from tests.faults.model.worlds import worlds


@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_the_rules_lose_nothing(world: World) -> None:
    outcome = search(world, Rules())
    assert outcome.harm is None, str(outcome)
    assert outcome.states > 1000  # a search that cannot begin finds nothing either


@pytest.mark.parametrize("planted", PLANTED)
def test_every_broken_rule_is_caught(planted: str) -> None:
    outcome = shortest(PLANTED[planted])
    assert outcome.harm is not None
    print(outcome)
