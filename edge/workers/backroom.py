"""What one worker does for another: it answers as it would a client, and forgets what it is told to."""

from __future__ import annotations

from edge.exchange import Exchange
from edge.fields import joined
from edge.message import CacheStatus
from edge.reply import AnswerHead
from edge.structured import parse_strings
from edge.visit import Visit
from edge.workers.team import PURGE


class Backroom(Exchange):
    """The exchange behind the socket that only other workers know."""

    async def answer(self, visit: Visit) -> None:
        request = visit.request
        if request.method == PURGE:
            groups = parse_strings(joined(request.head.fields, b"cache-groups") or b"")
            await self.forget({request.key}, groups)
            visit.send_head(CacheStatus.PASS, AnswerHead(204, (), has_body=False))
            visit.client.send_end()
            return
        await self.answer_checked(visit)
