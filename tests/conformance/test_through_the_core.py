"""The table through the core: the product's parser, exchange, filling and store, without a socket."""

from __future__ import annotations

import pytest

from tests.conformance.edges import through_the_core
from tests.conformance.table import ROWS, THROUGH_THE_CORE, params
from tests.conformance.telling import tell
from tests.conformance.words import Row

ALL_BUT_SOCKETS = [each for each in ROWS if not each.sockets_only]


@pytest.mark.parametrize("story", params(ALL_BUT_SOCKETS, THROUGH_THE_CORE))
async def test_the_core_keeps_the_rule(story: Row) -> None:
    async with through_the_core() as edge:
        await tell(story, edge)
