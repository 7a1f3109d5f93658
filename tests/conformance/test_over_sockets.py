"""The table over sockets: a whole edge on loopback for each row."""

from __future__ import annotations

import pytest

from tests.conformance.edges import over_sockets
from tests.conformance.table import OVER_SOCKETS, ROWS, params
from tests.conformance.telling import tell
from tests.conformance.words import Row

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("story", params(ROWS, OVER_SOCKETS))
async def test_the_edge_keeps_the_rule(story: Row) -> None:
    async with over_sockets() as edge:
        await tell(story, edge)
